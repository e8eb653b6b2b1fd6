"""One behaviour suite over both kinds of store, and what RocksDB alone promises."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import rocksdict
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.engine.store import MemoryPartition, PartitionStore, RocksPartition, open_partition


@pytest.fixture(params=["memory", "rocksdb"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[PartitionStore]:
    opened = open_partition(request.param, tmp_path, "classes", 3)
    yield opened
    opened.close()


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "classes" / "0"


def rows(store: PartitionStore, start: bytes = b"", prefix: bytes = b"") -> list[tuple[bytes, bytes]]:
    return list(store.scan(start, prefix))


def test_the_kind_is_what_the_setting_says(tmp_path: Path) -> None:
    memory, rocks = open_partition("memory", tmp_path, "a", 0), open_partition("rocksdb", tmp_path, "a", 1)
    assert isinstance(memory, MemoryPartition)
    assert isinstance(rocks, RocksPartition)
    rocks.close()
    assert (tmp_path / "a" / "1").is_dir()


def test_a_row_is_what_was_written_last(store: PartitionStore) -> None:
    assert store.get(b"a") is None
    store.write({b"a": b"1"}, 0)
    store.write({b"a": b"2"}, 1)
    assert store.get(b"a") == b"2"


def test_none_takes_a_row_away(store: PartitionStore) -> None:
    store.write({b"a": b"1", b"b": b"2"}, 1)
    store.write({b"a": None, b"never": None}, 3)
    assert store.get(b"a") is None
    assert rows(store) == [(b"b", b"2")]


def test_a_row_taken_away_can_come_back(store: PartitionStore) -> None:
    store.write({b"a": b"1"}, 0)
    store.write({b"a": None}, 1)
    assert rows(store) == []
    store.write({b"a": b"2"}, 2)
    assert rows(store) == [(b"a", b"2")]


def test_an_empty_row_is_a_row(store: PartitionStore) -> None:
    store.write({b"a": b""}, 0)
    assert store.get(b"a") == b""


def test_rows_come_in_the_order_of_their_keys(store: PartitionStore) -> None:
    store.write({b"b": b"2", b"\x00": b"0", b"\xfe": b"9", b"a": b"1", "ü".encode(): b"3"}, 4)
    assert [key for key, _ in rows(store)] == sorted([b"b", b"\x00", b"\xfe", b"a", "ü".encode()])


def test_a_scan_begins_where_it_is_told_and_keeps_to_its_prefix(store: PartitionStore) -> None:
    store.write(dict.fromkeys([b"1:a/x", b"1:a/y", b"1:b/x", b"2:aa/x", b"0"], b"row"), 4)
    assert [key for key, _ in rows(store, prefix=b"1:a/")] == [b"1:a/x", b"1:a/y"]
    assert [key for key, _ in rows(store, start=b"1:a/y")] == [b"1:a/y", b"1:b/x", b"2:aa/x"]
    assert [key for key, _ in rows(store, start=b"1:a/y", prefix=b"1:a/")] == [b"1:a/y"]
    assert rows(store, prefix=b"3:") == []
    assert rows(store, start=b"9", prefix=b"1:a/") == []


def test_rows_may_change_while_a_scan_goes_on(store: PartitionStore) -> None:
    store.write({b"%d" % number: b"old" for number in range(10)}, 9)
    scan = store.scan(b"")
    first = next(scan)
    store.write({b"3": None, b"5": b"new", b"4x": b"new"}, 12)
    assert first == (b"0", b"old")
    found = dict(scan)
    assert {b"1", b"2", b"4", b"5", b"6", b"7", b"8", b"9"} <= set(found)


def test_a_cleared_store_is_empty_and_goes_on(store: PartitionStore) -> None:
    store.write({b"a": b"1"}, 5)
    store.clear()
    assert (rows(store), store.get(b"a"), store.offset()) == ([], None, None)
    store.write({b"b": b"2"}, 0)
    assert rows(store) == [(b"b", b"2")]


def test_an_offset_may_be_left_as_it_is(store: PartitionStore) -> None:
    store.write({b"a": b"1"}, 7)
    before = store.offset()
    store.write({b"b": b"2"}, None)
    assert store.offset() == before


_KEYS = st.binary(min_size=1, max_size=3)


@pytest.mark.parametrize("kind", ["memory", "rocksdb"])
@given(
    batches=st.lists(st.dictionaries(_KEYS, st.none() | st.binary(max_size=4), max_size=8), max_size=8),
    start=_KEYS,
    prefix=st.binary(max_size=1),
)
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_it_holds_what_a_dict_would(
    kind: str, tmp_path_factory: pytest.TempPathFactory, batches: list[dict[bytes, bytes | None]], start: bytes, prefix: bytes
) -> None:
    store, model = open_partition(kind, tmp_path_factory.mktemp("store"), "t", 0), dict[bytes, bytes]()
    for offset, batch in enumerate(batches):
        store.write(batch, offset)
        model |= {key: row for key, row in batch.items() if row is not None}
        for key in [key for key, row in batch.items() if row is None]:
            model.pop(key, None)
    assert rows(store) == sorted(model.items())
    assert rows(store, start, prefix) == sorted((key, row) for key, row in model.items() if key >= start and key.startswith(prefix))
    store.close()


def test_memory_is_filled_from_the_beginning_every_time() -> None:
    store = MemoryPartition()
    store.write({b"a": b"1"}, 5)
    assert store.offset() is None


# RocksDB alone


def test_rows_and_offset_are_there_after_a_restart(directory: Path) -> None:
    store = RocksPartition(directory)
    assert store.offset() is None
    store.write({b"a": b"1", b"b": None}, 41)
    store.close()
    again = RocksPartition(directory)
    assert (rows(again), again.offset()) == ([(b"a", b"1")], 41)
    again.close()


def test_the_offset_is_no_row(directory: Path) -> None:
    store = RocksPartition(directory)
    store.write({b"\xff\xff": b"mine", b"\xff\xffz": b"mine too"}, 3)
    assert [key for key, _ in rows(store)] == [b"\xff\xff", b"\xff\xffz"]
    store.close()


def test_a_store_that_another_has_open_is_left_alone(directory: Path) -> None:
    first = RocksPartition(directory)
    first.write({b"a": b"1"}, 0)
    with pytest.raises(Exception, match="LOCK"):
        RocksPartition(directory)
    assert first.get(b"a") == b"1"
    first.close()
    again = RocksPartition(directory)
    assert again.get(b"a") == b"1"
    again.close()


def filled(directory: Path, offsets: int = 40) -> None:
    """Many rows, in files of their own."""
    store = RocksPartition(directory)
    noise = random.Random(7)
    for offset in range(offsets):
        store.write({b"%d-%d" % (offset, number): noise.randbytes(200) for number in range(50)}, offset)
    store.close()


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def scribble(file: Path) -> None:
    file.write_bytes(b"no database" * 50)


@pytest.mark.parametrize("damage", [cut, scribble, Path.unlink])
@pytest.mark.parametrize("pattern", ["MANIFEST-*", "CURRENT"])
def test_a_damaged_store_is_thrown_away_to_be_filled_again(directory: Path, pattern: str, damage: Callable[[Path], None]) -> None:
    filled(directory)
    for file in directory.glob(pattern):
        damage(file)
    store = RocksPartition(directory)
    assert store.offset() in (None, 39)
    assert (store.offset() is None) == (rows(store) == [])
    store.write({b"a": b"1"}, 0)
    assert store.get(b"a") == b"1"
    store.close()


def test_a_damaged_store_below_a_directory_with_lock_in_its_name_is_thrown_away_too(tmp_path: Path) -> None:
    directory = tmp_path / "blocks" / "clock" / "0"
    filled(directory)
    for file in directory.glob("MANIFEST-*"):
        scribble(file)
    store = RocksPartition(directory)
    assert (store.offset(), rows(store)) == (None, [])
    store.close()


def test_a_store_never_claims_rows_that_it_has_not(directory: Path) -> None:
    """What a power cut takes away is the end of the log: rows go together with the offset that they were written with."""
    filled(directory)
    logs = sorted(directory.glob("*.log"))
    for file in logs:
        cut(file)
    store = RocksPartition(directory)
    claimed, found = store.offset(), {int(key.split(b"-")[0]) for key, _ in rows(store)}
    assert found == (set(range(claimed + 1)) if claimed is not None else set())
    store.close()


def with_unreadable_rows(directory: Path) -> RocksPartition:
    """It opens all the same: RocksDB looks at the end of each file only."""
    filled(directory, offsets=400)
    database = rocksdict.Rdict(str(directory), options=rocksdict.Options(raw_mode=True))
    database.flush()
    database.compact_range(None, None)
    database.close()
    (file,) = directory.glob("*.sst")
    content = bytearray(file.read_bytes())
    content[len(content) // 4 : len(content) // 2] = bytes(len(content) // 4)
    file.write_bytes(content)
    return RocksPartition(directory)


def test_rows_that_cannot_be_read_are_never_passed_over(directory: Path) -> None:
    store = with_unreadable_rows(directory)
    with pytest.raises(Exception, match="Corruption"):
        rows(store)
    store.close()


@pytest.mark.parametrize("read", [rows, lambda store: [store.get(b"%d-0" % number) for number in range(40)]])
def test_a_store_that_could_not_be_read_is_thrown_away_at_the_next_start(directory: Path, read: Callable[[PartitionStore], object]) -> None:
    store = with_unreadable_rows(directory)
    with pytest.raises(Exception, match="Corruption"):
        read(store)
    store.close()
    again = RocksPartition(directory)
    assert (again.offset(), rows(again)) == (None, [])
    again.write({b"a": b"1"}, 0)
    again.close()
    kept = RocksPartition(directory)
    assert (kept.offset(), rows(kept)) == (0, [(b"a", b"1")])
    kept.close()
