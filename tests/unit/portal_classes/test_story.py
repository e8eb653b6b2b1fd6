"""How a timeline is told: how far a class came for each provider, and each step in the reader's own time."""

from datetime import UTC, datetime, timedelta
from typing import Any

from adapters.portal.classes.story import Journey, story_of
from adapters.read_model.views import HIDE, SHOW, Mark, Stage, Timeline, TimelineStep, Tone
from schemas.connections import Service
from tests.unit.portal_classes.cards import card, mark

AT = datetime(2027, 3, 8, 22, 59, 30, tzinfo=UTC)


def step(stage: Stage, words: str, seconds: int, **more: Any) -> TimelineStep:
    return TimelineStep(at=AT + timedelta(seconds=seconds), stage=stage, words=words, **{"tone": Tone.NEUTRAL, "revision": 2, **more})


EVENT = step(Stage.EVENT, "A student joined.", 0)
INTENT = step(Stage.INTENT, "The calendar shall show it.", 1, provider_id="ada", kind=SHOW)
OLD_TRY = step(Stage.OUTCOME, "Put on the calendar.", -60, provider_id="ada", revision=1, attempt=1, tone=Tone.GOOD)


def told(*steps: TimelineStep, kind: Mark = Mark.SYNCED, own: bool = True, **more: Any) -> Journey:
    ours = mark(kind, **more)
    timeline = Timeline(class_id="c1", card=card("2027-03-08T09:00:00", "2027-03-08T10:00:00"), marks=(ours,), steps=steps)
    return story_of(timeline, "Europe/Berlin", own=own).journeys[0]


def test_what_stands_on_the_calendar_came_all_the_way() -> None:
    done = step(Stage.OUTCOME, "Put on the Google calendar (try 2).", 40, provider_id="ada", attempt=2, tone=Tone.GOOD)
    failed = step(Stage.OUTCOME, "Try 1 did not succeed.", 5, provider_id="ada", attempt=1, tone=Tone.WAITING)
    journey = told(OLD_TRY, EVENT, INTENT, failed, done, service=Service.GOOGLE)
    assert journey.question == "Why is this on your calendar?"
    assert journey.answer == "Google calendar"
    assert [one.reached for one in journey.milestones] == [True, True, True, True]
    assert [one.words for one in journey.milestones] == ["Version 2", "To be shown", "2 attempts", "On the calendar"]
    assert journey.milestones[3].at == done.at


def test_what_was_tried_for_an_older_revision_is_no_attempt_of_this_one() -> None:
    journey = told(OLD_TRY, EVENT, INTENT, kind=Mark.WAITING, words="It waits: on its way.")
    assert journey.question == "Why is this not on your calendar?"
    assert journey.answer == "On its way."
    assert [one.reached for one in journey.milestones] == [True, True, False, False]
    assert journey.milestones[2].words == "None yet"


def test_another_providers_steps_are_not_in_this_ones_journey() -> None:
    theirs = step(Stage.OUTCOME, "Put on the calendar.", 3, provider_id="ben", attempt=4, tone=Tone.GOOD)
    journey = told(EVENT, INTENT, theirs, kind=Mark.WAITING, own=False)
    assert journey.question == "Why is this not on the calendar of ada?"
    assert journey.milestones[2].reached is False


def test_a_class_that_nobody_booked_came_to_no_intent() -> None:
    journey = told(EVENT, kind=Mark.NONE, words="Nobody has booked it.")
    assert [one.reached for one in journey.milestones] == [True, False, False, False]
    assert journey.answer == "Nobody has booked it."


def test_an_intent_to_take_a_class_off_is_told_by_its_kind() -> None:
    off = step(Stage.INTENT, "Away with it.", 1, provider_id="ada", kind=HIDE)
    assert told(EVENT, off, kind=Mark.WAITING).milestones[1].words == "Not to be shown"


def test_what_failed_is_told_as_bad() -> None:
    given_up = step(Stage.OUTCOME, "Given up after try 5.", 9, provider_id="ada", attempt=5, tone=Tone.BAD)
    journey = told(EVENT, INTENT, given_up, kind=Mark.FAILED, words="It could not be brought to the calendar: Google refused it.")
    assert journey.answer == "Google refused it."
    assert [one.tone for one in journey.milestones[2:]] == [Tone.BAD, Tone.BAD]


def test_steps_stand_under_the_readers_days_with_the_readers_clock() -> None:
    timeline = Timeline(class_id="c1", card=None, marks=(), steps=(EVENT, step(Stage.INTENT, "Shall.", 60)))
    days = story_of(timeline, "Europe/Berlin", own=False).days
    assert [(day.heading, [one.clock for one in day.steps]) for day in days] == [
        ("Monday, 8 March 2027", ["23:59:30"]),
        ("Tuesday, 9 March 2027", ["00:00:30"]),
    ]
