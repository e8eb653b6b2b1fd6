"""The fold: one class's state and its next event make its next state. Pure: no clock, id, log or await.

Only the version decides whether an event counts. A gap is folded all the same, since what came after is still true.
"""

from bisect import bisect_left
from datetime import date
from enum import Enum
from typing import assert_never

from msgspec import UNSET
from msgspec.structs import replace

from schemas.events import (
    ClassCancelled,
    ClassDetailsChanged,
    ClassEvent,
    ClassReassigned,
    ClassRelocated,
    ClassRescheduled,
    ClassScheduled,
    ClassSnapshotted,
    StudentAdded,
    StudentRemoved,
)
from streams.domain.forgetting import day_to_keep, later_day
from streams.domain.state import ClassDetails, ClassState

__all__ = ["Position", "evolve", "position"]

#: A class before its first event, whose version is at least 1.
_UNKNOWN = ClassState(version=0)


class Position(Enum):
    """Where an event stands against what is folded."""

    #: The very next version.
    NEXT = "next"
    #: At or below the version folded: changes nothing.
    REPEAT = "repeat"
    #: Versions between are missing; it is folded.
    GAP = "gap"


def position(state: ClassState | None, event: ClassEvent) -> Position:
    """The first event of a class is the next one only at version 1."""
    ahead = event.version - (_UNKNOWN if state is None else state).version
    if ahead == 1:
        return Position.NEXT
    return Position.REPEAT if ahead < 1 else Position.GAP


def evolve(state: ClassState | None, event: ClassEvent, occurred_on: date | None = None) -> ClassState:
    """The state after `event`; the very same object when the event is a repeat.

    `occurred_on`: the day (UTC) on which the event happened, None where that is not known (the day before it then stands).
    """
    before = _UNKNOWN if state is None else state
    if event.version <= before.version:
        return before
    cancelled, details, students = before.cancelled, before.details, before.students
    match event:
        case StudentAdded():
            students = _with(students, event.student_id)
        case StudentRemoved():
            students = _without(students, event.student_id)
        case ClassScheduled():
            cancelled, details = False, _details_of(event)
        case ClassSnapshotted():
            cancelled, details, students = event.cancelled, _details_of(event), tuple(sorted(set(event.student_ids)))
        case ClassCancelled():
            cancelled = True
        case ClassRescheduled() | ClassRelocated() | ClassReassigned() | ClassDetailsChanged():
            details = None if details is None else _changed(details, event)
        case _:  # pragma: no cover
            assert_never(event)
    return ClassState(
        version=event.version,
        cancelled=cancelled,
        details=details,
        students=students,
        last_event_on=occurred_on or before.last_event_on,
        kept_until=before.kept_until if details is before.details else _kept_until(before, details, occurred_on),
    )


def _kept_until(before: ClassState, details: ClassDetails | None, occurred_on: date | None) -> date | None:
    if before.details is None or details is None or occurred_on is None:
        return before.kept_until
    return later_day(before.kept_until, day_to_keep(before.details.ends_at.date(), details.ends_at.date(), occurred_on))


def _changed(details: ClassDetails, event: ClassRescheduled | ClassRelocated | ClassReassigned | ClassDetailsChanged) -> ClassDetails:
    """What an event leaves out stays as it was."""
    match event:
        case ClassRescheduled():
            return replace(details, starts_at=event.starts_at, ends_at=event.ends_at, time_zone=event.time_zone)
        case ClassRelocated():
            return replace(details, location=event.location, presence=event.presence or details.presence)
        case ClassReassigned():
            return replace(details, provider_ids=_each_once(event.provider_ids))
        case ClassDetailsChanged():
            given = {name: getattr(event, name) for name in ("title", "class_type", "url")}
            return replace(details, **{name: value for name, value in given.items() if value is not UNSET})
        case _:  # pragma: no cover
            assert_never(event)


def _details_of(event: ClassScheduled | ClassSnapshotted) -> ClassDetails:
    """Both events state the class whole: a `url` that is absent is none."""
    return ClassDetails(
        kind=event.kind,
        class_type=event.class_type,
        title=event.title,
        starts_at=event.starts_at,
        ends_at=event.ends_at,
        time_zone=event.time_zone,
        location=event.location,
        presence=event.presence,
        provider_ids=_each_once(event.provider_ids),
        url=event.url,
    )


def _each_once(provider_ids: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(provider_ids))


def _with(students: tuple[str, ...], student_id: str) -> tuple[str, ...]:
    """The sorted roster with a student; the same object when the student is on it."""
    at = bisect_left(students, student_id)
    if at < len(students) and students[at] == student_id:
        return students
    return (*students[:at], student_id, *students[at:])


def _without(students: tuple[str, ...], student_id: str) -> tuple[str, ...]:
    """The sorted roster without a student; the same object when the student is not on it."""
    at = bisect_left(students, student_id)
    if at < len(students) and students[at] == student_id:
        return students[:at] + students[at + 1 :]
    return students
