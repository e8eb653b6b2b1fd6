from datetime import date, datetime

import msgspec
import pytest
from rich.pretty import pretty_repr

from streams.domain.evolve import evolve
from streams.domain.state import ClassState, UnreadableStateError, decode_state, encode_state, is_newer_state
from tests.support.class_events import added, cancelled, scheduled, snapshotted
from tests.unit.domain.fold.fold_story import fold

WHOLE = evolve(fold(scheduled(), added(2, "student-SECRET-1"), added(3, "student-SECRET-2")), cancelled(4), date(2027, 1, 2))


@pytest.mark.parametrize(
    "state",
    [
        WHOLE,
        ClassState(version=1),
        fold(added(1)),
        fold(snapshotted(2**63 - 1, *(f"student-{number}" for number in range(500)))),
        fold(scheduled(starts_at=datetime(2027, 3, 8, 9, 30, 15, 123456), ends_at=datetime(9998, 12, 31, 23, 59), title="日本語 🏊\x00")),
    ],
)
def test_a_stored_state_comes_back_as_it_was(state: ClassState) -> None:
    assert decode_state(encode_state(state)) == state


def test_wall_times_come_back_without_an_offset() -> None:
    details = decode_state(encode_state(WHOLE)).details
    assert details is not None
    assert details.starts_at.tzinfo is None


def test_equal_states_have_equal_bytes() -> None:
    one = fold(scheduled(), added(2, "a"), added(3, "b"), added(4, "c"))
    other = fold(scheduled(), added(2, "c"), added(3, "b"), added(4, "a"))
    assert encode_state(one) == encode_state(other)


def test_the_stored_format_is_told_by_its_first_field() -> None:
    assert msgspec.msgpack.decode(encode_state(WHOLE))[:3] == [1, 4, True]


def test_bytes_from_before_a_field_was_added_take_its_default() -> None:
    assert decode_state(msgspec.msgpack.encode([1, 7, True])) == ClassState(version=7, cancelled=True)


def test_fields_that_a_newer_release_added_at_the_end_are_passed_over() -> None:
    newer = [*msgspec.msgpack.decode(encode_state(WHOLE)), "something new"]
    assert decode_state(msgspec.msgpack.encode(newer)) == WHOLE


@pytest.mark.parametrize(
    "stored",
    [
        b"",
        b"\xc1",
        b"{}",
        encode_state(WHOLE)[:-4],
        msgspec.msgpack.encode([2, 7, True]),
        msgspec.msgpack.encode([1, 7, False, None, ["student-SECRET-1", 5], None]),
        encode_state(WHOLE).replace(b"SECRET-1", b"SECRET-\xff"),
    ],
)
def test_bytes_of_no_known_format_are_refused_without_naming_a_student(stored: bytes) -> None:
    with pytest.raises(UnreadableStateError) as caught:
        decode_state(stored)
    assert "SECRET" not in str(caught.value)
    assert caught.value.__suppress_context__  # the codec's error may hold the bytes


def test_no_print_of_a_state_names_a_student() -> None:
    for printed in (repr(WHOLE), str(WHOLE), f"{WHOLE}", pretty_repr(WHOLE), repr([WHOLE])):
        assert "SECRET" not in printed
        assert "version=4" in printed
        assert "students=" in printed


def test_a_state_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        WHOLE.version = 5  # type: ignore[misc]


@pytest.mark.parametrize(("version", "other", "newer"), [(8, 7, True), (7, 8, False), (7, 7, False)])
def test_of_two_stored_states_the_one_of_a_later_version_is_newer(version: int, other: int, newer: bool) -> None:
    stored, other_stored = (encode_state(msgspec.structs.replace(WHOLE, version=each)) for each in (version, other))
    assert is_newer_state(stored, other_stored) is newer
