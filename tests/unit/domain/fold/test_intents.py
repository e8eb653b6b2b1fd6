from datetime import UTC, datetime
from typing import Any

import pytest

from schemas.codec import encode
from schemas.events import ClassEvent, Kind, Presence
from schemas.intents import CalendarEntry
from streams.domain.evolve import evolve
from streams.domain.intents import Cause, derive_intents, intent_id, wanted
from tests.support.class_events import (
    CLASS_ID,
    added,
    cancelled,
    details_changed,
    reassigned,
    relocated,
    removed,
    rescheduled,
    scheduled,
    snapshotted,
)
from tests.unit.domain.fold.fold_story import Story, fold

CAUSE = Cause(event_id="event-2", type="com.impactfeedback.booking.roster.student_added.v1", occurred_at=datetime(2027, 1, 1, tzinfo=UTC))


def booked(**changes: Any) -> Story:
    """A story in which a class stands on ada's calendar, at version 2."""
    story = Story()
    story.tell(scheduled(**changes))
    story.tell(added(2, "s1"))
    return story


def test_booking_a_class_shows_it_on_its_providers_calendar() -> None:
    before = fold(scheduled())
    (intent,) = derive_intents(CLASS_ID, before, evolve(before, added(2)), CAUSE)
    assert intent.entry == CalendarEntry(
        title="Yoga for all",
        kind=Kind.CLASS,
        class_type="yoga",
        starts_at=datetime(2027, 3, 8, 9, 30),
        ends_at=datetime(2027, 3, 8, 10, 30),
        time_zone="Europe/Berlin",
        location="Room 1",
        presence=Presence.IN_PERSON,
        url="https://classes.example/7",
    )
    assert (intent.provider_id, intent.class_id, intent.revision) == ("ada", CLASS_ID, 2)
    assert (intent.caused_by, intent.cause, intent.occurred_at) == (CAUSE.event_id, CAUSE.type, CAUSE.occurred_at)


def test_a_class_that_is_not_booked_is_wanted_nowhere() -> None:
    assert wanted(None) == {}
    assert wanted(fold(scheduled())) == {}
    assert wanted(fold(added(1))) == {}
    assert wanted(fold(scheduled(), added(2), cancelled(3))) == {}


def test_scheduling_alone_shows_nothing() -> None:
    assert Story().tell(scheduled()) == ()


def test_ten_students_joining_and_leaving_a_booked_class_cost_nothing() -> None:
    story = booked()
    events: list[ClassEvent] = [added(3 + number, f"s-{number}") for number in range(10)]
    events += [removed(13 + number, f"s-{number}") for number in range(10)]
    assert [story.tell(event) for event in events] == [()] * 20


def test_the_last_student_leaving_takes_the_class_off() -> None:
    (intent,) = booked().tell(removed(3, "s1"))
    assert (intent.entry, intent.revision) == (None, 3)


@pytest.mark.parametrize(
    ("event", "changed"),
    [
        (rescheduled(3), {"starts_at": datetime(2027, 3, 9, 18), "ends_at": datetime(2027, 3, 9, 19)}),
        (rescheduled(3, time_zone="Asia/Kolkata"), {"time_zone": "Asia/Kolkata"}),
        (relocated(3, "Room 2"), {"location": "Room 2"}),
        (relocated(3, "Room 1", Presence.ONLINE), {"presence": Presence.ONLINE}),
        (details_changed(3, title="Yin"), {"title": "Yin"}),
        (details_changed(3, class_type="yin"), {"class_type": "yin"}),
        (details_changed(3, url=None), {"url": None}),
        (scheduled(3, kind=Kind.APPOINTMENT), {"kind": Kind.APPOINTMENT}),
        (snapshotted(3, "s1", title="Whole"), {"title": "Whole"}),
    ],
)
def test_what_a_calendar_shows_changes_with_the_class(event: ClassEvent, changed: dict[str, object]) -> None:
    (intent,) = booked().tell(event)
    assert intent.entry is not None
    assert {name: getattr(intent.entry, name) for name in changed} == changed


@pytest.mark.parametrize("event", [relocated(3, "Room 1"), reassigned(3, "ada"), details_changed(3), scheduled(3), snapshotted(3, "s9")])
def test_an_event_that_says_what_is_so_already_makes_no_intent(event: ClassEvent) -> None:
    assert booked().tell(event) == ()


@pytest.mark.parametrize("event", [rescheduled(2), relocated(2), reassigned(2, "bob"), details_changed(2, title="x"), cancelled(2)])
def test_changes_of_a_class_nobody_booked_make_no_intent(event: ClassEvent) -> None:
    story = Story()
    story.tell(scheduled())
    assert story.tell(event) == ()


def test_cancelling_takes_it_off_and_scheduling_again_puts_it_back() -> None:
    story = booked()
    assert [intent.entry for intent in story.tell(cancelled(3))] == [None]
    assert story.tell(cancelled(4)) == ()
    (back,) = story.tell(scheduled(5, title="Back again"))
    assert back.entry is not None
    assert back.entry.title == "Back again"


def test_reassigning_tells_who_lost_it_and_who_got_it_and_nobody_else() -> None:
    story = booked(provider_ids=("ada", "bob"))
    made = story.tell(reassigned(3, "cy", "bob"))
    assert [(intent.provider_id, intent.entry is None) for intent in made] == [("ada", True), ("cy", False)]


def test_the_order_of_providers_does_not_matter_and_naming_one_twice_counts_once() -> None:
    story = Story()
    story.tell(scheduled(provider_ids=("ada", "bob", "ada")))
    assert [intent.provider_id for intent in story.tell(added(2))] == ["ada", "bob"]
    assert story.tell(reassigned(3, "bob", "ada", "bob")) == ()


def test_a_class_whose_providers_and_place_change_at_once_moves_over() -> None:
    story = booked()
    made = story.tell(snapshotted(3, "s1", location="Room 5", provider_ids=("bob",)))
    assert [(intent.provider_id, intent.entry and intent.entry.location) for intent in made] == [("ada", None), ("bob", "Room 5")]


def test_students_of_a_class_not_yet_known_book_it_the_moment_it_is_scheduled() -> None:
    story = Story()
    assert story.tell(added(1)) == ()
    assert [intent.revision for intent in story.tell(scheduled(2))] == [2]


def test_a_repeat_makes_no_intent() -> None:
    story = booked()
    assert story.tell(added(2, "s1")) == ()
    assert story.tell(rescheduled(1)) == ()


def test_a_snapshot_of_a_class_never_heard_of_shows_it() -> None:
    assert [intent.revision for intent in Story().tell(snapshotted(40, "s1"))] == [40]


def test_the_id_stays_the_same_over_releases() -> None:
    """Written down: an id that changed would let one intent count twice."""
    assert intent_id("ada", "class-7", 12) == "52604fa6417fb5e077c2c01c2419f114"


def test_ids_differ_where_provider_class_or_revision_do() -> None:
    names = [("ada", "c", 1), ("ad", "ac", 1), ("a", "dac", 1), ("ada", "c1", 1), ("ada", "c", 11), ("ada", "c1", 11), ("adac", "", 1)]
    assert len({intent_id(*name) for name in names}) == len(names)


def test_no_student_is_in_an_intent() -> None:
    story = Story()
    for event in (added(1, "SECRET-1"), scheduled(2), added(3, "SECRET-2"), snapshotted(4, "SECRET-3", title="x"), removed(5, "SECRET-3")):
        story.tell(event)
    assert len(story.intents) == 3
    assert b"SECRET" not in encode(story.intents)
    assert "SECRET" not in repr(story.intents)
