"""What the portal asks, over what was folded: on both databases."""

from datetime import date, datetime, timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.read_model.queries import CHANGES_AT_ONCE, ReadModelQueries
from adapters.read_model.store import LostWriterError, ReadModelStore
from adapters.read_model.views import BookedStatus, ClassQuery, Mark, Stage
from schemas.connections import ConnectionState, Service
from schemas.events import ClassEvent, Presence
from schemas.outcomes import OutcomeKind
from tests.integration.read_model.folding import NOW, TOPICS, Record, Writer, connection, outcome
from tests.support.class_events import CLASS_ID, added, cancelled, reassigned, relocated, removed, rescheduled, scheduled, snapshotted

MARCH = ClassQuery(first_day=date(2027, 3, 1), last_day=date(2027, 3, 31))


@pytest.fixture
async def writer(writing: AsyncEngine) -> Writer:
    store = ReadModelStore(writing, "test")
    await store.take_over()
    return Writer(store)


@pytest.fixture
def queries(reading: AsyncEngine) -> ReadModelQueries:
    return ReadModelQueries(reading, clock=lambda: NOW)


def among(**changes: object) -> ClassQuery:
    return ClassQuery(**{"first_day": MARCH.first_day, "last_day": MARCH.last_day} | changes)  # type: ignore[arg-type]


async def test_a_class_is_shown_as_it_was_scheduled(writer: Writer, queries: ReadModelQueries) -> None:
    await writer.events(scheduled(provider_ids=("ada", "bob")), added(2), added(3, "student-2"))
    (card,) = await queries.classes(MARCH)
    assert (card.class_id, card.title, card.location, card.presence) == (CLASS_ID, "Yoga for all", "Room 1", Presence.IN_PERSON)
    assert (card.starts_at, card.ends_at, card.time_zone) == (datetime(2027, 3, 8, 9, 30), datetime(2027, 3, 8, 10, 30), "Europe/Berlin")
    assert [at.isoformat() for at in card.instants] == ["2027-03-08T08:30:00+00:00", "2027-03-08T09:30:00+00:00"]
    assert (card.status, card.student_count, card.provider_ids) == (BookedStatus.BOOKED, 2, ("ada", "bob"))
    assert [(mark.provider_id, mark.mark) for mark in card.marks] == [("ada", Mark.NOT_CONNECTED), ("bob", Mark.NOT_CONNECTED)]


async def test_a_mark_follows_the_entry_through_its_life(writer: Writer, queries: ReadModelQueries) -> None:
    async def mark() -> tuple[Mark, str | None]:
        ((mark,),) = [card.marks for card in await queries.classes(MARCH)]
        return mark.mark, mark.reason

    await writer.events(scheduled())
    assert await mark() == (Mark.NONE, "not_booked")
    await writer.events(added(2))
    assert await mark() == (Mark.NOT_CONNECTED, "not_connected")
    await writer.statuses(connection(ConnectionState.CONNECTED))
    assert await mark() == (Mark.WAITING, "pending")
    retry = outcome(OutcomeKind.RETRYING, 2, reason="google: 429 rateLimitExceeded", next_try_at=NOW + timedelta(minutes=4), standing=False)
    await writer.outcomes(retry)
    assert await mark() == (Mark.WAITING, "google: 429 rateLimitExceeded")
    await writer.outcomes(outcome(OutcomeKind.CREATED, 2))
    assert await mark() == (Mark.SYNCED, None)
    await writer.events(relocated(3))
    assert await mark() == (Mark.WAITING, "pending")
    await writer.outcomes(outcome(OutcomeKind.UPDATED, 3), outcome(OutcomeKind.SUPERSEDED, 2, standing=True))
    assert await mark() == (Mark.SYNCED, None)
    await writer.events(cancelled(4))
    assert await mark() == (Mark.WAITING, "removing")
    await writer.outcomes(outcome(OutcomeKind.DEAD_LETTERED, 4, reason="google: 403 forbidden", standing=True))
    assert await mark() == (Mark.FAILED, "google: 403 forbidden")
    await writer.outcomes(outcome(OutcomeKind.DELETED, 4, standing=False))
    assert await mark() == (Mark.NONE, "cancelled")


async def test_outcomes_may_come_before_the_events_they_are_of(writer: Writer, queries: ReadModelQueries) -> None:
    await writer.outcomes(outcome(OutcomeKind.CREATED, 2))
    await writer.statuses(connection(ConnectionState.CONNECTED))
    await writer.events(scheduled(), added(2))
    (card,) = await queries.classes(MARCH)
    assert card.marks[0].mark is Mark.SYNCED


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (MARCH, {"yoga", "boxing", "retreat"}),
        (among(first_day=date(2027, 3, 8), last_day=date(2027, 3, 8)), {"yoga"}),
        (among(first_day=date(2027, 3, 21), last_day=date(2027, 3, 22)), {"retreat"}),
        (among(first_day=date(2027, 3, 24), last_day=date(2027, 3, 31)), set()),
        (among(provider_ids=frozenset({"bob"})), {"boxing", "retreat"}),
        (among(provider_restriction="ada"), {"yoga", "retreat"}),
        (among(provider_restriction="ada", provider_ids=frozenset({"bob"})), {"retreat"}),
        (among(provider_restriction="nobody"), set()),
        (among(class_types=frozenset({"yoga"})), {"yoga"}),
        (among(presences=frozenset({Presence.ONLINE})), {"boxing"}),
        (among(booked_statuses=frozenset({BookedStatus.BOOKED})), {"yoga"}),
        (among(booked_statuses=frozenset({BookedStatus.CANCELLED, BookedStatus.NOT_BOOKED})), {"boxing", "retreat"}),
    ],
)
async def test_filters_find_the_classes_that_they_name(
    writer: Writer, queries: ReadModelQueries, query: ClassQuery, found: set[str]
) -> None:
    await writer.events(
        _of("yoga", snapshotted(3, "s1")),
        _of("boxing", snapshotted(1, class_type="boxing", presence=Presence.ONLINE, provider_ids=("bob",), **_at(10, 10))),
        _of("retreat", snapshotted(1, "s1", cancelled=True, class_type="retreat", provider_ids=("bob", "ada"), **_at(20, 23))),
        _of("april", snapshotted(1, starts_at=datetime(2027, 4, 1, 9), ends_at=datetime(2027, 4, 1, 10))),
    )
    assert {card.class_id for card in await queries.classes(query)} == found


async def test_a_provider_sees_only_his_own_mark_choices_and_timeline(writer: Writer, queries: ReadModelQueries) -> None:
    await writer.events(_of("both", snapshotted(1, "s1", provider_ids=("ada", "bob"))), _of("hers", snapshotted(1, "s1", class_type="box")))
    await writer.outcomes(*(outcome(OutcomeKind.CREATED, 1, provider_id=name, class_id="both") for name in ("ada", "bob")))
    (card,) = await queries.classes(among(provider_restriction="bob"))
    assert [mark.provider_id for mark in card.marks] == ["bob"]
    choices = await queries.choices("bob")
    assert (choices.provider_ids, choices.class_types, choices.presences) == (("ada", "bob"), ("yoga",), tuple(Presence))
    assert (await queries.choices()).class_types == ("box", "yoga")
    timeline = await queries.timeline("both", "bob")
    assert timeline is not None
    assert {step.provider_id for step in timeline.steps} == {None, "bob"}
    assert [mark.provider_id for mark in timeline.marks] == ["bob"]
    assert await queries.timeline("hers", "bob") is None
    assert await queries.timeline("unheard of") is None


async def test_who_does_not_give_a_class_any_more_does_not_see_it(writer: Writer, queries: ReadModelQueries) -> None:
    await writer.events(scheduled(), added(2), reassigned(3, "bob"))
    assert await queries.timeline(CLASS_ID, "ada") is None
    assert await queries.classes(among(provider_restriction="ada")) == []
    assert await queries.timeline(CLASS_ID, "bob") is not None


async def test_a_timeline_tells_the_way_of_each_change(writer: Writer, queries: ReadModelQueries) -> None:
    await writer.events(scheduled(), added(2), rescheduled(3), removed(5))
    retry = outcome(OutcomeKind.RETRYING, 2, reason="google: no answer timeout", at=NOW + timedelta(seconds=1), standing=False)
    await writer.outcomes(retry, outcome(OutcomeKind.CREATED, 2, at=NOW + timedelta(seconds=31), attempt=2))
    timeline = await queries.timeline(CLASS_ID)
    assert timeline is not None
    assert [(step.stage, step.revision, step.kind) for step in timeline.steps] == [
        (Stage.EVENT, 1, "class.scheduled"),
        (Stage.EVENT, 2, "roster.student_added"),
        (Stage.EVENT, 3, "class.rescheduled"),
        (Stage.EVENT, 5, "roster.student_removed"),
        (Stage.OUTCOME, 2, "retrying"),
        (Stage.OUTCOME, 2, "created"),
    ]
    assert timeline.steps[1].words == "A student joined; one student now. It is booked now."
    assert timeline.steps[3].words == "A student left; no student now. It is not booked any more. One version before it never came."
    assert timeline.steps[4].words == "Try 1 did not succeed: Google did not answer."
    assert timeline.steps[5].words == "Put on the Google calendar (try 2)."


async def test_a_class_that_was_never_scheduled_has_a_timeline_and_no_card(writer: Writer, queries: ReadModelQueries) -> None:
    await writer.events(added(1))
    assert await queries.classes(MARCH) == []
    timeline = await queries.timeline(CLASS_ID)
    assert timeline is not None
    assert (timeline.card, len(timeline.steps)) == (None, 1)


async def test_a_former_providers_mark_is_on_the_timeline_while_something_stands(writer: Writer, queries: ReadModelQueries) -> None:
    await writer.statuses(connection(ConnectionState.CONNECTED), connection(ConnectionState.CONNECTED, provider_id="bob"))
    await writer.events(scheduled(), added(2))
    await writer.outcomes(outcome(OutcomeKind.CREATED, 2))
    await writer.events(reassigned(3, "bob"))
    timeline = await queries.timeline(CLASS_ID)
    assert timeline is not None
    assert [(mark.provider_id, mark.reason) for mark in timeline.marks] == [("bob", "pending"), ("ada", "removing")]


async def test_the_summary_counts_what_stands_and_what_waits_and_why(writer: Writer, queries: ReadModelQueries) -> None:
    await writer.statuses(connection(ConnectionState.CONNECTED))
    names = ("a", "b", "c", "d", "e")
    await writer.events(*(_of(name, snapshotted(2, "s1", title=name.upper())) for name in names))
    soon, later = NOW + timedelta(minutes=4), NOW + timedelta(minutes=9)
    limited = "google: 429 rateLimitExceeded"
    await writer.outcomes(
        outcome(OutcomeKind.CREATED, 2, class_id="a", at=NOW + timedelta(seconds=5)),
        outcome(OutcomeKind.UPDATED, 1, class_id="b", at=NOW + timedelta(seconds=9)),
        outcome(OutcomeKind.RETRYING, 2, class_id="c", reason=limited, next_try_at=later, standing=False),
        outcome(OutcomeKind.RETRYING, 2, class_id="d", reason=limited, next_try_at=soon, standing=False),
        outcome(OutcomeKind.DEAD_LETTERED, 2, class_id="e", reason="google: 400 invalid", standing=False),
    )
    summary = await queries.calendar_summary("ada")
    assert summary.standing == 2
    assert [(count.reason, count.count, count.words, count.next_try_at) for count in summary.waiting] == [
        ("limited", 2, "Google is limiting us", soon),
        ("pending", 1, "on its way to the calendar", None),
    ]
    assert [(count.reason, count.count) for count in summary.failed] == [("refused", 1)]
    assert summary.last_change is not None
    assert (summary.last_change.words, summary.last_change.at) == ("B was brought up to date on the calendar", NOW + timedelta(seconds=9))
    assert (await queries.calendar_summary("nobody")).standing == 0


async def test_a_connection_and_its_calendar_are_answered_together(writer: Writer, queries: ReadModelQueries) -> None:
    assert await queries.calendar("ada") == (None, await queries.calendar_summary("ada"))
    await writer.statuses(connection(ConnectionState.CONNECTED))
    assert await queries.calendar("ada") == (await queries.connection("ada"), await queries.calendar_summary("nobody"))
    await writer.events(scheduled(provider_ids=("ada", "bob")), added(2))
    await writer.outcomes(outcome(OutcomeKind.CREATED, 2))
    view, summary = await queries.calendar("ada")
    assert view == await queries.connection("ada")
    assert (summary.standing, summary.last_change is not None) == (1, True)
    assert await queries.calendar("bob") == (None, await queries.calendar_summary("bob"))


async def test_a_connection_is_shown_as_last_published_until_the_topic_forgets_it(writer: Writer, queries: ReadModelQueries) -> None:
    await writer.statuses(connection(ConnectionState.CONNECTED), connection(ConnectionState.NEEDS_RECONNECT, service=Service.MICROSOFT))
    view = await queries.connection("ada")
    assert view is not None
    assert (view.state, view.service, view.email, view.connected_at) == (
        ConnectionState.NEEDS_RECONNECT, Service.MICROSOFT, "ada@example.com", NOW,
    )  # fmt: skip
    await writer.records(TOPICS.connection_status, [Record(b"ada", None)])
    assert await queries.connection("ada") is None


async def test_a_cursor_tells_what_changed_after_it(writer: Writer, queries: ReadModelQueries) -> None:
    await writer.events(_of("a", scheduled()), _of("b", scheduled()))
    start = await queries.changes_since(None)
    assert start.class_ids == frozenset()
    await writer.events(_of("b", added(2)))
    await writer.outcomes(outcome(OutcomeKind.CREATED, 1, class_id="c", provider_id="cleo"))
    await writer.statuses(connection(ConnectionState.CONNECTED, provider_id="dan"))
    changes = await queries.changes_since(start.cursor)
    assert changes.class_ids == {"b", "c"}
    assert changes.provider_ids == {"ada", "cleo", "dan"}
    assert not changes.more
    assert (await queries.changes_since(changes.cursor)).class_ids == frozenset()


async def test_many_changes_come_in_parts(writer: Writer, queries: ReadModelQueries) -> None:
    start = (await queries.changes_since(None)).cursor
    ids = [f"c{number}" for number in range(CHANGES_AT_ONCE + 500)]
    for part in range(0, len(ids), 300):
        await writer.events(*(_of(class_id, scheduled()) for class_id in ids[part : part + 300]))
    seen: set[str] = set()
    more, answers = True, 0
    while more:
        changes = await queries.changes_since(start)
        seen |= changes.class_ids
        start, more, answers = changes.cursor, changes.more, answers + 1
    assert seen == set(ids)
    assert answers > 1


async def test_as_of_is_kept_until_it_is_known_anew(writer: Writer, queries: ReadModelQueries) -> None:
    assert await queries.as_of() is None
    writer.as_of = NOW
    await writer.events(scheduled())
    writer.as_of = None
    await writer.events(added(2))
    assert await queries.as_of() == NOW


async def test_queries_cannot_write(reading: AsyncEngine) -> None:
    with pytest.raises(DBAPIError):
        async with reading.begin() as connection:
            await connection.execute(text("DELETE FROM classes"))


async def test_a_writer_that_was_overtaken_writes_nothing(writer: Writer, writing: AsyncEngine, queries: ReadModelQueries) -> None:
    await writer.events(scheduled())
    other = ReadModelStore(writing, "other")
    assert await other.take_over() == {(TOPICS.class_events, 0): 1}
    with pytest.raises(LostWriterError):
        await writer.events(added(2))
    with pytest.raises(LostWriterError):
        await writer.store.beat(NOW)
    with pytest.raises(LostWriterError):
        await writer.store.clear()
    (card,) = await queries.classes(MARCH)
    assert card.student_count == 0
    assert await other.take_over() == {(TOPICS.class_events, 0): 1}


async def test_text_that_a_database_cannot_hold_is_shown_without_it(writer: Writer, queries: ReadModelQueries) -> None:
    await writer.events(scheduled(title="nul\x00 'quotes' <b>ü", provider_ids=("a\x00b",)))
    (card,) = await queries.classes(MARCH)
    assert (card.title, card.provider_ids) == ("nul\ufffd 'quotes' <b>ü", ("a\ufffdb",))
    assert [found.class_id for found in await queries.classes(among(provider_ids=frozenset({"a\ufffdb"})))] == [CLASS_ID]


def _of(class_id: str, event: ClassEvent) -> ClassEvent:
    return msgspec.structs.replace(event, class_id=class_id)


def _at(first: int, last: int) -> dict[str, Any]:
    return {"starts_at": datetime(2027, 3, first, 9), "ends_at": datetime(2027, 3, last, 17)}
