"""A run of raw records of one partition: what is folded, told, counted and refused."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

import pytest

from schemas.codec import decode_intent
from schemas.envelope import encode_event
from schemas.events import ClassEvent
from streams.domain.fold import FoldResult, RawRecord, fold_records
from streams.domain.forgetting import is_forgotten
from streams.domain.state import ClassState
from tests.support.class_events import CLASS_ID, added, cancelled, rescheduled, scheduled
from tests.unit.domain.fold.fold_story import fold

KEY = CLASS_ID.encode()
HAPPENED = datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC)
PUBLISHED = 1_800_000_000_000


@dataclass
class Record:
    value: bytes | None
    key: bytes | None = KEY
    headers: Sequence[tuple[str, bytes]] = ()
    timestamp: int = PUBLISHED
    offset: int = 0


def record(event: ClassEvent, *, time: datetime | None = HAPPENED, timestamp: int = PUBLISHED) -> Record:
    value = encode_event(event, id=f"event-{event.version}", time=time or HAPPENED)
    if time is None:
        value = value.replace(b'"time":"2027-01-02T03:04:05Z",', b"")
    return Record(value, timestamp=timestamp)


def nothing_known(_key: bytes) -> ClassState | None:
    return None


def run(*records: RawRecord, state_of: Callable[[bytes], ClassState | None] = nothing_known) -> FoldResult:
    return fold_records(records, state_of)


def test_the_last_state_of_each_class_comes_out_with_every_intent_on_the_way() -> None:
    result = run(record(scheduled()), record(added(2)), record(rescheduled(3)))
    assert result.folded == 3
    assert result.states[KEY].version == 3
    told = [(provider_id, decode_intent(value).revision) for provider_id, value in result.intents]
    assert told == [(b"ada", 2), (b"ada", 3)]


def test_a_run_goes_on_from_the_state_before_it() -> None:
    asked = []

    def state_of(key: bytes) -> ClassState | None:
        asked.append(key)
        return fold(scheduled())

    result = run(record(added(2)), record(cancelled(3)), state_of=state_of)
    assert [decode_intent(value).entry is None for _, value in result.intents] == [False, True]
    assert asked == [KEY]


def test_students_who_join_a_booked_class_are_folded_and_told_to_nobody() -> None:
    result = run(
        *(record(added(version, f"student-{version}")) for version in range(3, 13)), state_of=lambda _key: fold(scheduled(), added(2))
    )
    assert (result.folded, result.intents) == (10, [])
    assert len(result.states[KEY].students) == 11


def test_repeats_are_counted_and_change_nothing() -> None:
    result = run(record(scheduled()), record(scheduled()), record(added(2)), record(added(1)))
    assert (result.folded, result.repeats) == (2, 2)
    assert run(record(added(2)), state_of=lambda _key: fold(scheduled(), added(2))).states == {}


def test_missing_versions_are_named_and_the_event_is_folded() -> None:
    result = run(record(scheduled()), record(added(5)))
    assert result.gaps == [(CLASS_ID, 5)]
    assert result.states[KEY].version == 5
    assert run(record(scheduled(3))).gaps == [(CLASS_ID, 3)]


def test_what_breaks_the_contract_is_set_aside_with_the_reason_and_the_run_goes_on() -> None:
    bad: list[RawRecord] = [
        Record(None),
        Record(b"{"),
        Record(b"\xff"),
        Record(record(scheduled()).value, key=b"another"),
        Record(b"[]", key=None),
    ]
    result = run(record(scheduled()), *bad, record(added(2)))
    assert result.folded == 2
    assert [letter.record for letter in result.dead_letters] == bad
    assert all(letter.violation.code for letter in result.dead_letters)


def test_an_intent_says_which_event_caused_it_and_when_that_happened() -> None:
    (_, value) = run(record(scheduled()), record(added(2))).intents[0]
    intent = decode_intent(value)
    assert (intent.caused_by, intent.cause, intent.occurred_at) == (
        "event-2",
        "com.impactfeedback.booking.roster.student_added.v1",
        HAPPENED,
    )


@pytest.mark.parametrize(
    ("time", "timestamp", "happened"),
    [
        (HAPPENED, PUBLISHED, HAPPENED),
        (HAPPENED.astimezone(timezone(timedelta(hours=5, minutes=30))), PUBLISHED, HAPPENED),
        (None, PUBLISHED, datetime.fromtimestamp(PUBLISHED / 1000, UTC)),
        (None, -1, None),
    ],
)
def test_an_event_happened_when_it_says_or_else_when_it_was_published(
    time: datetime | None, timestamp: int, happened: datetime | None
) -> None:
    result = run(record(scheduled()), record(added(2), time=time, timestamp=timestamp))
    assert decode_intent(result.intents[0][1]).occurred_at == happened


def test_a_roster_of_long_ago_that_is_loaded_today_is_kept_until_its_class_is_known() -> None:
    """Its class may be the next record; to be forgotten in between, by the event's own day, would lose the booking."""
    published = datetime.fromtimestamp(PUBLISHED / 1000, UTC).date()
    state = run(record(added(1), time=datetime(2019, 1, 1, tzinfo=UTC))).states[KEY]
    assert not is_forgotten(state, published + timedelta(days=30), 30)
    assert is_forgotten(state, published + timedelta(days=31), 30)
    known = run(record(scheduled()), record(added(2)), state_of=nothing_known).states[KEY]
    assert known.last_event_on == HAPPENED.date()
