"""Marks and timelines in plain words, for the portal and for `why`. Pure; no student in them, only how many there are."""

from datetime import datetime, timedelta

from adapters.read_model.facts import EventFacts, IntentFacts, OutcomeFacts
from adapters.read_model.marks import MarkReason
from adapters.read_model.reasons import explain
from adapters.read_model.views import Mark, Tone
from adapters.wording import PRESENCE_WORDS, SERVICE_NAMES
from schemas.connections import Service
from schemas.outcomes import OutcomeKind

__all__ = ["FAILED_LEAD", "WAITING_LEAD", "change_words", "event_words", "in_a_while", "intent_words", "mark_words", "outcome_words"]

#: What the sentence of a mark begins with; the reason follows.
FAILED_LEAD = "It could not be brought to the calendar: "
WAITING_LEAD = "It waits: "

_CHANGES = {
    OutcomeKind.CREATED: "was put on the calendar",
    OutcomeKind.UPDATED: "was brought up to date on the calendar",
    OutcomeKind.DELETED: "was taken off the calendar",
}


def in_a_while(at: datetime, now: datetime) -> str:
    """`in 40 s`, `in 4 min`, `in 3 h`, `in 2 days`; `any moment` for what is due."""
    seconds = (at - now) / timedelta(seconds=1)
    if seconds <= 1:
        return "any moment"
    for unit, size, below in (("s", 1, 90), ("min", 60, 120 * 60), ("h", 3600, 36 * 3600)):
        if seconds < below:
            return f"in {round(seconds / size)} {unit}"
    return f"in {round(seconds / 86400)} days"


def mark_words(mark: Mark, reason: str | None, *, service: Service | None, next_try_at: datetime | None, now: datetime) -> str:
    """One sentence."""
    if mark is Mark.SYNCED:
        return "It stands on the calendar."
    if mark is Mark.FAILED:
        return f"{FAILED_LEAD}{explain(reason, service)}."
    if mark is Mark.WAITING and reason not in (MarkReason.PENDING, MarkReason.REMOVING):
        then = f"; next try {in_a_while(next_try_at, now)}" if next_try_at is not None else ""
        return f"{WAITING_LEAD}{explain(reason, service)}{then}."
    words = explain(reason, service)
    return f"{words[:1].upper()}{words[1:]}."


def change_words(title: str, kind: OutcomeKind) -> str:
    """`Yoga for all was put on the calendar`."""
    return f"{title or 'A class'} {_CHANGES[kind]}"


def event_words(kind: str, facts: EventFacts) -> tuple[str, Tone]:
    """`kind`: the event's short name, `class.rescheduled`."""
    words = _event(kind, facts)
    if facts.booked != facts.was_booked:
        words += " It is booked now." if facts.booked else " It is not booked any more."
    if facts.missing:
        versions = "One version" if facts.missing == 1 else f"{facts.missing} versions"
        words += f" {versions} before it never came."
    return words, Tone.NEUTRAL


def _event(kind: str, facts: EventFacts) -> str:
    match kind:
        case "class.scheduled":
            return f"The class was scheduled for {_when(facts)}{_where(facts)}, given by {_given_by(facts)}."
        case "class.snapshotted":
            cancelled = ", cancelled" if facts.cancelled else ""
            return f"The booking system stated the whole class: {_when(facts)}{_where(facts)}, given by {_given_by(facts)}{cancelled}."
        case "class.rescheduled":
            return f"The class was moved to {_when(facts)}."
        case "class.relocated":
            return f"The place was changed: it is{_where(facts) or ' nowhere'} now."
        case "class.reassigned":
            return f"The class is given by {_given_by(facts)} from then on."
        case "class.details_changed":
            return f"Its details were changed{': it is called ' + facts.title if facts.title else ''}."
        case "class.cancelled":
            return "The class was cancelled."
        case "roster.student_added":
            return f"A student joined; {_students(facts.students)} now."
        case "roster.student_removed":
            return f"A student left; {_students(facts.students)} now."
        case _:
            return f"{kind}."


def intent_words(facts: IntentFacts) -> tuple[str, Tone]:
    if facts.show:
        return f"The calendar shall show it on {_when(facts)}.", Tone.NEUTRAL
    return "The calendar shall not show it any more.", Tone.NEUTRAL


def outcome_words(kind: OutcomeKind, facts: OutcomeFacts) -> tuple[str, Tone]:
    calendar = f"the {SERVICE_NAMES[facts.service]} calendar" if facts.service is not None else "the calendar"
    why = explain(facts.reason, facts.service)
    tries = f" (try {facts.attempt})" if facts.attempt > 1 else ""
    match kind:
        case OutcomeKind.CREATED:
            return f"Put on {calendar}{tries}.", Tone.GOOD
        case OutcomeKind.UPDATED:
            return f"Brought up to date on {calendar}{tries}.", Tone.GOOD
        case OutcomeKind.DELETED:
            return f"Taken off {calendar}{tries}.", Tone.GOOD
        case OutcomeKind.UNCHANGED:
            return f"Nothing to do: {calendar} {'shows it so already' if facts.standing else 'does not show it'}.", Tone.GOOD
        case OutcomeKind.SUPERSEDED:
            return "Overtaken by a newer change.", Tone.NEUTRAL
        case OutcomeKind.SKIPPED | OutcomeKind.DISMISSED:
            return f"Nothing was done: {why}.", Tone.NEUTRAL
        case OutcomeKind.WAITING:
            return f"Waits: {why}.", Tone.WAITING
        case OutcomeKind.RETRYING:
            then = f"; tried again at {facts.next_try_at:%H:%M:%S} UTC" if facts.next_try_at is not None else ""
            return f"Try {facts.attempt} did not succeed: {why}{then}.", Tone.WAITING
        case OutcomeKind.DEAD_LETTERED:
            return f"Given up after try {facts.attempt}: {why}. An operator has to look.", Tone.BAD


def _when(facts: EventFacts | IntentFacts) -> str:
    start, end = facts.starts_at, facts.ends_at
    if start is None or end is None:
        return "a time that is not known"
    until = f"{end:%H:%M}" if end.date() == start.date() else f"{_day(end)} {end:%H:%M}"
    return f"{_day(start)}, {start:%H:%M} to {until} ({facts.time_zone})"


def _day(moment: datetime) -> str:
    return f"{moment.day} {moment:%b %Y}"


def _where(facts: EventFacts) -> str:
    place = facts.location or ""
    presence = PRESENCE_WORDS[facts.presence].lower() if facts.presence is not None else ""
    if place and presence:
        return f" at {place}, {presence}"
    return f" at {place}" if place else f" ({presence})" if presence else ""


def _given_by(facts: EventFacts) -> str:
    return ", ".join(facts.provider_ids or ()) or "nobody"


def _students(count: int) -> str:
    return "no student" if count == 0 else "one student" if count == 1 else f"{count} students"
