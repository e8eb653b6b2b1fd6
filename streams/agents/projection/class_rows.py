"""From a folded class and its events to rows of the read model. Pure. No student goes in but as a number, and in the opaque state."""

from datetime import datetime

import msgspec

from adapters.read_model.facts import EventFacts, encode_facts
from adapters.read_model.rows import ClassRow, RosterRow, StepRow, WantedRow, clean
from adapters.read_model.views import BookedStatus, Stage
from schemas.envelope import ReceivedEvent
from schemas.events import (
    TYPE_PREFIX,
    TYPE_SUFFIX,
    ClassDetailsChanged,
    ClassReassigned,
    ClassRelocated,
    ClassRescheduled,
    ClassScheduled,
    ClassSnapshotted,
)
from schemas.wall_time import instants
from streams.domain.intents import wanted
from streams.domain.state import ClassState, encode_state

__all__ = ["class_row", "event_step", "roster_row", "wanted_rows"]

_CANCELLED, _BOOKED, _NOT_BOOKED = BookedStatus.CANCELLED.value, BookedStatus.BOOKED.value, BookedStatus.NOT_BOOKED.value

_json = msgspec.json.Encoder().encode


def class_row(class_id: str, state: ClassState) -> ClassRow:
    """`class_id` is clean."""
    details = state.details
    if details is None:
        nothing = (None,) * 8
        return ClassRow(
            class_id, state.version, *nothing, False, None, None, None, None, None, None, _status(state), len(state.students),
            state.last_event_on, encode_state(state),
        )  # fmt: skip
    starts_utc, ends_utc = instants(details.starts_at, details.ends_at, details.time_zone)
    starts_on, ends_on = details.starts_at.date(), details.ends_at.date()
    return ClassRow(
        class_id=class_id,
        version=state.version,
        kind=details.kind.value,
        class_type=clean(details.class_type),
        title=clean(details.title),
        starts_at=details.starts_at,
        ends_at=details.ends_at,
        time_zone=details.time_zone,
        starts_on=starts_on,
        ends_on=ends_on,
        spans_days=ends_on > starts_on,
        starts_utc=starts_utc,
        ends_utc=ends_utc,
        location=clean(details.location),
        presence=details.presence.value,
        url=None if details.url is None else clean(details.url),
        provider_ids=_json([clean(provider_id) for provider_id in details.provider_ids]).decode(),
        status=_status(state),
        student_count=len(state.students),
        last_day=ends_on,
        state=encode_state(state),
    )


def roster_row(class_id: str, state: ClassState) -> RosterRow:
    """Of a class whose details stand as they are: most events are of the roster. `class_id` is clean."""
    return RosterRow(state.version, _status(state), len(state.students), encode_state(state), class_id)


def _status(state: ClassState) -> str:
    return _CANCELLED if state.cancelled else _BOOKED if state.booked else _NOT_BOOKED


def wanted_rows(class_id: str, before: ClassState | None, after: ClassState) -> list[WantedRow]:
    """One for each provider whose calendar shall show something else than before: those for whom the fold makes an intent."""
    if before is not None and before.details is after.details and before.booked == after.booked:
        return []
    was, now = wanted(before), wanted(after)
    return [
        WantedRow(clean(class_id), clean(provider_id), provider_id in now, after.version)
        for provider_id in dict.fromkeys((*was, *now))
        if was.get(provider_id) != now.get(provider_id)
    ]


def event_step(received: ReceivedEvent, at: datetime, before: ClassState | None, after: ClassState) -> StepRow:
    return StepRow(
        clean(received.event.class_id),
        f"e{after.version}",
        Stage.EVENT.value,
        at,
        after.version,
        None,
        received.type.removeprefix(TYPE_PREFIX).removesuffix(TYPE_SUFFIX),
        encode_facts(_facts(received, before, after)),
    )


def _facts(received: ReceivedEvent, before: ClassState | None, after: ClassState) -> EventFacts:
    version = 0 if before is None else before.version
    facts = EventFacts(
        students=len(after.students),
        booked=after.booked,
        was_booked=before is not None and before.booked,
        missing=after.version - version - 1,
    )
    said = _said(received)
    return msgspec.structs.replace(facts, **said) if said else facts


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
