"""The oracle judges the fold, so it is held to small cases that a person can check."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from schemas.envelope import decode_event, encode_event
from schemas.errors import ContractViolation
from schemas.events import ClassEvent
from streams.domain.evolve import Position, evolve, position
from streams.domain.state import ClassState
from tests.support.class_events import CLASS_ID, added, cancelled, reassigned, relocated, removed, rescheduled, scheduled, snapshotted
from tests.support.histories import SECRET, History, Line, random_history
from tests.support.oracle import instant, what_must_stand
from tests.support.oracle_contract import read

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def lines(*events: ClassEvent) -> list[Line]:
    return [
        Line(key=event.class_id.encode(), value=encode_event(event, id=f"e{n}", time=NOW), headers=(), expect="next")
        for n, event in enumerate(events)
    ]


def titles(published: Sequence[Line]) -> dict[str, str]:
    return {provider_id: standing.title for (provider_id, _), standing in what_must_stand(published).items()}


def test_a_booked_class_stands_with_its_last_words() -> None:
    published = lines(
        scheduled(), added(2), rescheduled(3, day=9), relocated(4, "Room 2"), scheduled(1, title="late"), reassigned(5, "bob")
    )
    ((where, standing),) = what_must_stand(published).items()
    assert where == ("bob", CLASS_ID)
    assert (standing.title, standing.location, standing.presence) == ("Yoga for all", "Room 2", "in_person")
    assert (standing.starts_at, standing.ends_at) == (datetime(2027, 3, 9, 17, tzinfo=UTC), datetime(2027, 3, 9, 18, tzinfo=UTC))


@pytest.mark.parametrize(
    "events",
    [
        (scheduled(),),
        (added(1),),
        (added(1), rescheduled(2)),
        (scheduled(), added(2), cancelled(3)),
        (scheduled(), added(2), removed(3)),
        (scheduled(), added(2), snapshotted(3)),
        (scheduled(), added(2), snapshotted(3, "student-1", cancelled=True)),
    ],
)
def test_a_class_that_is_not_booked_does_not_stand(events: tuple[ClassEvent, ...]) -> None:
    assert titles(lines(*events)) == {}


@pytest.mark.parametrize(
    "events",
    [
        (added(1), scheduled(2)),
        (scheduled(), cancelled(2), added(3), scheduled(4)),
        (snapshotted(40, "s1"),),
        (snapshotted(1), added(2)),
        (scheduled(), added(5), removed(3)),
    ],
)
def test_a_booked_class_stands(events: tuple[ClassEvent, ...]) -> None:
    assert titles(lines(*events)) == {"ada": "Yoga for all"}


@pytest.mark.parametrize(
    ("zone", "wall", "expected"),
    [
        ("Asia/Kolkata", datetime(2027, 1, 1, 9), datetime(2027, 1, 1, 3, 30, tzinfo=UTC)),
        ("Europe/Berlin", datetime(2027, 3, 28, 2, 30), datetime(2027, 3, 28, 1, 30, tzinfo=UTC)),  # skipped: shown as 03:30
        ("Europe/Berlin", datetime(2027, 10, 31, 2, 30), datetime(2027, 10, 31, 0, 30, tzinfo=UTC)),  # twice: the first
        ("America/New_York", datetime(2027, 11, 7, 1, 30), datetime(2027, 11, 7, 5, 30, tzinfo=UTC)),
        ("Australia/Lord_Howe", datetime(2027, 4, 4, 1, 45), datetime(2027, 4, 3, 14, 45, tzinfo=UTC)),  # half an hour, twice
    ],
)
def test_wall_times_become_instants_by_the_two_rules(zone: str, wall: datetime, expected: datetime) -> None:
    assert instant(wall, zone) == expected


def decoded(line: Line) -> ClassEvent | ContractViolation:
    try:
        return decode_event(line.key, line.value, line.headers).event
    except ContractViolation as violation:
        return violation


@pytest.fixture(scope="module")
def history() -> History:
    return random_history(7, NOW, classes=400, bad_rate=0.3)


def test_a_history_is_the_same_for_the_same_seed(history: History) -> None:
    assert history.lines == random_history(7, NOW, classes=400, bad_rate=0.3).lines
    assert history.lines != random_history(8, NOW, classes=400, bad_rate=0.3).lines


def test_every_line_of_a_history_is_what_it_says_to_the_contract_the_fold_and_the_oracle(history: History) -> None:
    states: dict[str, ClassState] = {}
    found: Counter[str] = Counter()
    for line in history:
        event = decoded(line)
        assert (read(line) is None) == isinstance(event, ContractViolation)
        if isinstance(event, ContractViolation):
            outcome = event.code
            assert SECRET not in event.reason
        else:
            outcome = position(states.get(event.class_id), event).value
            states[event.class_id] = evolve(states.get(event.class_id), event)
        assert outcome == line.expect
        found[outcome] += 1
    assert found == history.expected
    assert {position.value for position in Position} < set(found)


def test_a_history_holds_every_kind_of_bad_line(history: History) -> None:
    codes = {"not_json", "not_utf8", "null_key", "null_value", "unknown_type", "bad_data", "too_large"}
    codes |= {"key_mismatch", "subject_mismatch", "bad_envelope", "no_data"}
    assert {line.expect for line in history.bad} == codes
