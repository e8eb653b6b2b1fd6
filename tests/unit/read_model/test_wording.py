"""Words for a person: every kind of step and of mark has its own, none holds a word of the machine."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.read_model.facts import EventFacts, IntentFacts, OutcomeFacts
from adapters.read_model.marks import MarkReason
from adapters.read_model.reasons import explain
from adapters.read_model.views import Mark, Tone
from adapters.read_model.wording import change_words, event_words, in_a_while, intent_words, mark_words, outcome_words
from schemas.connections import Service
from schemas.events import EVENT_TYPES, Presence, short_name
from schemas.outcomes import OutcomeKind

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
OPERATOR = "the calendar service is not set up here; an operator has to act"
NINE, TEN = datetime(2027, 3, 8, 9, 30), datetime(2027, 3, 8, 10, 30)


def waits(reason: str, seconds: int | None = None) -> str:
    next_try_at = None if seconds is None else NOW + timedelta(seconds=seconds)
    return mark_words(Mark.WAITING, reason, service=Service.GOOGLE, next_try_at=next_try_at, now=NOW)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "any moment"), (1, "any moment"), (40, "in 40 s"), (240, "in 4 min"), (5400, "in 90 min"),
        (7200, "in 2 h"), (86400, "in 24 h"), (4 * 86400, "in 4 days"),
    ],
)  # fmt: skip
def test_when_something_is_due(seconds: int, words: str) -> None:
    assert in_a_while(NOW + timedelta(seconds=seconds), NOW) == words


def test_marks_in_words() -> None:
    assert mark_words(Mark.SYNCED, None, service=None, next_try_at=None, now=NOW) == "It stands on the calendar."
    assert waits("google: 429 rateLimitExceeded", 240) == "It waits: Google is limiting us; next try in 4 min."
    assert waits(MarkReason.NEEDS_RECONNECT) == "It waits: the calendar needs to be connected again."
    assert waits(MarkReason.PENDING) == "On its way to the calendar."
    failed = mark_words(Mark.FAILED, "microsoft: 400 ErrorInvalidRequest", service=None, next_try_at=None, now=NOW)
    assert failed == "It could not be brought to the calendar: Microsoft refused it (400 ErrorInvalidRequest)."
    assert mark_words(Mark.NONE, MarkReason.NOT_BOOKED, service=None, next_try_at=None, now=NOW) == "Nobody has booked it."


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("google: no answer timeout", "Google did not answer"),
        ("microsoft: 503 serviceNotAvailable: a detail", "Microsoft has trouble of its own (error 503)"),
        ("google: 403 quotaExceeded", "Google is limiting us"),
        ("google: 403 forbidden", "Google does not allow it (forbidden)"),
        ("google: 401 authError", "Google did not take our sign-in"),
        ("microsoft: no answer create_unsettled: its event may still appear", "we are making sure that nothing stands twice"),
        ("throttled", "Google is limiting us"),
        ("token_unreadable", "what we have saved of the connection cannot be opened; an operator has to act"),
        ("microsoft: no answer not_configured: no client id", OPERATOR),
        ("not settled after 8 actions", "not settled after 8 actions"),
        (None, "the reason is not known"),
    ],
)
def test_errors_of_services_in_words(reason: str | None, words: str) -> None:
    assert explain(reason, Service.GOOGLE) == words


def test_every_stable_reason_has_words() -> None:
    reasons = [value for name, value in vars(MarkReason).items() if not name.startswith("_")]
    assert len({explain(reason) for reason in reasons}) == len(reasons)
    for reason in reasons:
        assert "_" not in explain(reason)
        assert explain(reason).word == reason


def test_every_type_of_event_has_words() -> None:
    when: dict[str, Any] = {"starts_at": NINE, "ends_at": TEN, "time_zone": "Europe/Berlin"}
    facts = EventFacts(students=1, booked=True, was_booked=True, provider_ids=("ada",), **when)
    names = [short_name(name) for name in EVENT_TYPES]
    said = {event_words(name, facts)[0] for name in names}
    assert len(said) == len(names)
    assert not any(name in words for name in names for words in said)


def test_events_in_words() -> None:
    when: dict[str, Any] = {"starts_at": NINE, "ends_at": TEN, "time_zone": "Europe/Berlin"}
    scheduled = EventFacts(**when, location="Room 1", presence=Presence.IN_PERSON, provider_ids=("ada", "bob"))
    assert event_words("class.scheduled", scheduled)[0] == (
        "The class was scheduled for 8 Mar 2027, 09:30 to 10:30 (Europe/Berlin) at Room 1, in person, given by ada, bob."
    )
    joined = EventFacts(students=3, booked=True, was_booked=True)
    assert event_words("roster.student_added", joined)[0] == "A student joined; 3 students now."
    left = EventFacts(was_booked=True, missing=2)
    assert event_words("roster.student_removed", left)[0] == (
        "A student left; no student now. It is not booked any more. 2 versions before it never came."
    )
    assert event_words("class.relocated", EventFacts(location=""))[0] == "The place was changed: it is nowhere now."


def test_intents_in_words() -> None:
    shown = IntentFacts(show=True, starts_at=NINE, ends_at=TEN + timedelta(days=1), time_zone="Asia/Kolkata")
    assert intent_words(shown)[0] == "The calendar shall show it on 8 Mar 2027, 09:30 to 9 Mar 2027 10:30 (Asia/Kolkata)."
    assert intent_words(IntentFacts())[0] == "The calendar shall not show it any more."


def test_every_kind_of_outcome_has_words_and_a_tone() -> None:
    facts = OutcomeFacts(service=Service.MICROSOFT, reason="microsoft: 429 TooManyRequests", attempt=2, next_try_at=NOW)
    told = {kind: outcome_words(kind, facts) for kind in OutcomeKind}
    tones = {kind: tone for kind, (_, tone) in told.items()}
    assert len({words for words, _ in told.values()}) >= len(OutcomeKind) - 1  # skipped and dismissed say the same of their reason
    assert told[OutcomeKind.CREATED][0] == "Put on the Microsoft calendar (try 2)."
    assert told[OutcomeKind.RETRYING][0] == "Try 2 did not succeed: Microsoft is limiting us; tried again at 12:00:00 UTC."
    assert tones[OutcomeKind.DEAD_LETTERED] is Tone.BAD
    assert {kind for kind, tone in tones.items() if tone is Tone.WAITING} == {OutcomeKind.WAITING, OutcomeKind.RETRYING}


def test_the_last_change_in_words() -> None:
    assert change_words("Yoga for all", OutcomeKind.CREATED) == "Yoga for all was put on the calendar"
    assert change_words("", OutcomeKind.DELETED) == "A class was taken off the calendar"
