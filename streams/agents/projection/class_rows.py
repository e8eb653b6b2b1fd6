"""From a folded class and its events to rows of the read model. Pure. No student goes in but as a number, and in the opaque state."""

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache

import msgspec

from adapters.read_model.facts import CardFacts, EventFacts, StepFacts, encode_facts, raw_facts
from adapters.read_model.rows import Batch, ClassRow, DetailsRow, RosterRow, StepRow, WantedRow, clean
from adapters.read_model.views import BookedStatus, Stage
from schemas.envelope import ReceivedEvent
from schemas.events import (
    ClassDetailsChanged,
    ClassReassigned,
    ClassRelocated,
    ClassRescheduled,
    ClassScheduled,
    ClassSnapshotted,
    StudentAdded,
    StudentRemoved,
    short_name,
)
from schemas.wall_time import instants
from streams.domain.forgetting import last_day_of
from streams.domain.intents import wanted
from streams.domain.state import ClassDetails, ClassState, encode_state

__all__ = ["add_class", "event_step", "wanted_rows"]

_CANCELLED, _BOOKED, _NOT_BOOKED = BookedStatus.CANCELLED.value, BookedStatus.BOOKED.value, BookedStatus.NOT_BOOKED.value
_EVENT = Stage.EVENT.value
_OF_ROSTER = frozenset({StudentAdded, StudentRemoved})


def add_class(batch: Batch, class_id: str, was: ClassState | None, now: ClassState) -> None:
    """What the class is now, as narrow as what changed. `class_id` is clean."""
    before, after = None if was is None else was.details, now.details
    if after is None:
        batch.classes[class_id] = _unknown_row(class_id, now)
    elif before is after:
        batch.rosters[class_id] = RosterRow(class_id, now.version, _status(now), len(now.students), encode_state(now))
    elif before is not None and _is_found_alike(before, after):
        batch.details[class_id] = _details_row(class_id, now, after)
    else:
        batch.classes[class_id] = _class_row(class_id, now, after)
    given_before = before.provider_ids if before is not None else ()
    given_now = after.provider_ids if after is not None else ()
    if given_before != given_now:
        batch.providers[class_id] = tuple(map(clean, given_now))


def _is_found_alike(before: ClassDetails, after: ClassDetails) -> bool:
    """Whether times and type, which indexes hold, stand as they were."""
    return (
        before.starts_at == after.starts_at
        and before.ends_at == after.ends_at
        and before.time_zone == after.time_zone
        and before.class_type == after.class_type
    )


def _unknown_row(class_id: str, state: ClassState) -> ClassRow:
    return ClassRow(
        class_id, state.version, None, None, None, None, False, None, None, _status(state), len(state.students),
        state.last_event_on, None, encode_state(state),
    )  # fmt: skip


def _class_row(class_id: str, state: ClassState, details: ClassDetails) -> ClassRow:
    ends_on = details.ends_at.date()
    return ClassRow(
        class_id=class_id,
        version=state.version,
        class_type=clean(details.class_type),
        title=clean(details.title),
        starts_at=details.starts_at,
        ends_on=ends_on,
        spans_days=ends_on > details.starts_at.date(),
        ends_utc=instants(details.starts_at, details.ends_at, details.time_zone)[1],
        presence=details.presence.value,
        status=_status(state),
        student_count=len(state.students),
        last_day=last_day_of(state),
        card=_card(details),
        state=encode_state(state),
    )


def _details_row(class_id: str, state: ClassState, details: ClassDetails) -> DetailsRow:
    return DetailsRow(
        class_id, state.version, clean(details.title), details.presence.value, _status(state), len(state.students),
        _card(details), encode_state(state),
    )  # fmt: skip


def _card(details: ClassDetails) -> str:
    return encode_facts(
        CardFacts(
            kind=details.kind,
            class_type=clean(details.class_type),
            title=clean(details.title),
            starts_at=details.starts_at,
            ends_at=details.ends_at,
            time_zone=details.time_zone,
            location=clean(details.location),
            presence=details.presence,
            url=None if details.url is None else clean(details.url),
            provider_ids=tuple(map(clean, details.provider_ids)),
        )
    )


def _status(state: ClassState) -> str:
    return _CANCELLED if state.cancelled else _BOOKED if state.booked else _NOT_BOOKED


def wanted_rows(class_id: str, before: ClassState | None, after: ClassState) -> list[WantedRow]:
    """One for each provider whose calendar shall show something else than before: those for whom the fold makes an intent."""
    was, now = wanted(before), wanted(after)
    if was.keys() == now.keys():  # one entry for all of them
        concerned: Iterable[str] = now if next(iter(was.values()), None) != next(iter(now.values()), None) else ()
    else:
        concerned = (provider_id for provider_id in dict.fromkeys((*was, *now)) if was.get(provider_id) != now.get(provider_id))
    return [WantedRow(clean(class_id), clean(provider_id), provider_id in now, after.version) for provider_id in concerned]


def event_step(class_id: str, received: ReceivedEvent, at: datetime, before: ClassState | None, after: ClassState) -> StepRow:
    """`class_id` is clean."""
    version = after.version
    step = StepFacts(at, version, None, short_name(received.type), _facts(received, before, after))
    return StepRow(class_id, f"e{version}", _EVENT, encode_facts(step))


def _facts(received: ReceivedEvent, before: ClassState | None, after: ClassState) -> msgspec.Raw:
    was_booked, missing = (False, after.version - 1) if before is None else (before.booked, after.version - before.version - 1)
    booked, students = after.booked, len(after.students)
    if type(received.event) in _OF_ROSTER and not missing:  # most events
        return _roster_facts(students, booked, was_booked)
    said = _said(received)
    return raw_facts(EventFacts(students=students, booked=booked, was_booked=was_booked, missing=missing, **said))  # type: ignore[arg-type]


@lru_cache(maxsize=4096)
def _roster_facts(students: int, booked: bool, was_booked: bool) -> msgspec.Raw:
    return raw_facts(EventFacts(students=students, booked=booked, was_booked=was_booked))


def _said(received: ReceivedEvent) -> dict[str, object]:
    """What the event itself says, of what a timeline shows."""
    match received.event:
        case (ClassScheduled() | ClassSnapshotted()) as event:
            names = ("starts_at", "ends_at", "time_zone", "location", "presence", "provider_ids", "title")
            said = {name: getattr(event, name) for name in names}
            return said | {"cancelled": True} if isinstance(event, ClassSnapshotted) and event.cancelled else said
        case ClassRescheduled() as event:
            return {"starts_at": event.starts_at, "ends_at": event.ends_at, "time_zone": event.time_zone}
        case ClassRelocated() as event:
            return {"location": event.location, "presence": event.presence}
        case ClassReassigned() as event:
            return {"provider_ids": event.provider_ids}
        case ClassDetailsChanged() as event:
            return {} if event.title is msgspec.UNSET else {"title": event.title}
        case _:
            return {}
