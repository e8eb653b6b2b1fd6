"""A held partition of a table: rows are local once they are confirmed, and nobody else's rows are passed over."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from streams.engine.held import ForeignRowsError, HeldPartition
from streams.engine.store import open_partition


@dataclass
class Record:
    offset: int
    key: bytes
    value: bytes | None


def longer(row: bytes, other: bytes) -> bool:
    return len(row) > len(other)


@pytest.fixture(params=["memory", "rocksdb"])
def held(request: pytest.FixtureRequest, tmp_path: Path) -> HeldPartition:
    return HeldPartition(open_partition(request.param, tmp_path, "table", 0), is_newer=longer)


def test_confirmed_rows_are_local(held: HeldPartition) -> None:
    held.filled(7)
    held.confirmed({b"a": b"1", b"b": b"2"}, 8)
    held.confirmed({b"a": None}, 9)
    assert held.store.get(b"a") is None
    assert held.store.get(b"b") == b"2"


def test_rows_of_another_in_between_are_noticed_before_anything_is_local(held: HeldPartition) -> None:
    held.filled(7)
    held.confirmed({b"a": b"1"}, 7)
    with pytest.raises(ForeignRowsError, match="offset 8"):
        held.confirmed({b"b": b"2"}, 9)
    assert held.store.get(b"b") is None
    assert held.store.offset() in (7, None), "it would be taken as filled up to there"


def test_a_partition_that_was_not_filled_takes_no_rows(held: HeldPartition) -> None:
    with pytest.raises(ForeignRowsError):
        held.confirmed({b"a": b"1"}, 0)


def test_the_changelog_is_taken_in_its_order(held: HeldPartition) -> None:
    held.refill([Record(0, b"a", b"1"), Record(1, b"b", b"1"), Record(2, b"a", b"22")])
    held.refill([Record(3, b"b", None)])
    assert held.filled(4) == {}
    assert held.store.get(b"a") == b"22"
    assert held.store.get(b"b") is None


@pytest.mark.parametrize("at_once", [True, False])
def test_an_older_row_after_a_newer_one_is_left_out_and_the_newer_put_back(held: HeldPartition, at_once: bool) -> None:
    newer, older = Record(0, b"a", b"333"), Record(1, b"a", b"22")
    for records in [[newer, older]] if at_once else [[newer], [older]]:
        held.refill(records)
    assert held.store.get(b"a") == b"333"
    assert held.filled(2) == {b"a": b"333"}
    assert held.filled(2) == {}


def test_what_was_written_once_more_since_needs_no_putting_back(held: HeldPartition) -> None:
    held.refill([Record(0, b"a", b"333"), Record(1, b"a", b"22"), Record(2, b"a", b"4444")])
    assert held.filled(3) == {}
    assert held.store.get(b"a") == b"4444"


def test_a_row_of_an_equal_state_counts_by_its_place(held: HeldPartition) -> None:
    held.refill([Record(0, b"a", b"xx"), Record(1, b"a", b"yy")])
    assert held.store.get(b"a") == b"yy"
