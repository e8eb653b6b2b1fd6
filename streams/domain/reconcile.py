"""Level-triggered reconciliation: the newest desired state against what was applied gives the next action. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import msgspec

from schemas.intents import CalendarEntry
from streams.domain.agenda import Agenda, Applied, Calendar, Creating, Dismissed, at_calendar, content_hash, has_ended, when_and_where
from streams.domain.connection import Connection, Held

__all__ = [
    "Action",
    "Adopt",
    "Create",
    "Delete",
    "Done",
    "Rest",
    "Update",
    "after_create",
    "after_delete",
    "after_gone",
    "after_look",
    "after_refusal",
    "after_update",
    "begin_again",
    "begin_create",
    "begin_delete",
    "begin_update",
    "next_generation",
    "owes_removal",
    "reconcile",
    "still_wanted",
]


class StandingEvent(Protocol):
    """What a calendar service says of an event that stands (adapters.ports.RemoteEvent)."""

    @property
    def remote_id(self) -> str: ...
    @property
    def revision(self) -> int: ...
    @property
    def generation(self) -> int: ...


@dataclass(frozen=True, kw_only=True)
class Create:
    """Make a new event: write the mark ahead, then call. `grant` is whose token to use."""

    grant: Held
    entry: CalendarEntry
    revision: int
    generation: int


@dataclass(frozen=True, kw_only=True)
class Adopt:
    """A create was begun and not concluded: look for its event before anything else."""

    grant: Held
    creating: Creating


@dataclass(frozen=True, kw_only=True)
class Update:
    grant: Held
    applied: Applied
    entry: CalendarEntry
    revision: int


@dataclass(frozen=True, kw_only=True)
class Delete:
    grant: Held
    applied: Applied


@dataclass(frozen=True, kw_only=True)
class Done:
    """Nothing is owed. `reason`: unchanged, ended or dismissed."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class Rest:
    """Something is owed and cannot be done now. `reason`: not_connected or needs_reconnect."""

    reason: str


Action = Create | Adopt | Update | Delete | Done | Rest


def reconcile(agenda: Agenda, connection: Connection | None, now: datetime) -> Action:
    """What to do next for one (provider, class), until Done or Rest."""
    current = connection.current if connection is not None else None
    first = _left_undone(agenda, connection, now)
    if first is not None:
        return first
    if current is None:
        return _disconnected(agenda, now)
    agenda = at_calendar(agenda, current.calendar)
    if agenda.creating is not None:
        return Rest(reason="needs_reconnect")
    return _here(agenda, current, now)


def _left_undone(agenda: Agenda, connection: Connection | None, now: datetime) -> Action | None:
    """What comes first, wherever a grant reaches: creates that were begun, then events on calendars that are being left."""
    current = connection.current if connection is not None else None
    for creating in _begun(agenda):
        grant = _grant_for(connection, creating.calendar)
        if grant is not None:
            return Adopt(grant=grant, creating=creating)
    for applied in _standing(agenda):
        grant = _grant_for(connection, applied.calendar)
        if grant is not None and grant is not current and not _applied_has_ended(agenda, now):
            return Delete(grant=grant, applied=applied)
    return None


def _disconnected(agenda: Agenda, now: datetime) -> Action:
    """No calendar is in force."""
    entry = agenda.desired.entry if agenda.desired is not None else None
    if agenda.creating is None and agenda.applied is None:
        return _here(agenda, None, now)
    if agenda.applied is not None and entry is not None and agenda.applied.content == content_hash(entry):
        return Done(reason="unchanged")
    return Rest(reason="not_connected")


def _here(agenda: Agenda, current: Held | None, now: datetime) -> Action:
    """What was applied, if anything, stands on the calendar in force."""
    desired, applied = agenda.desired, agenda.applied
    entry = desired.entry if desired is not None else None
    if desired is None or entry is None:
        return _hide(applied, current)
    if applied is not None and applied.content == content_hash(entry):
        return Done(reason="unchanged")
    if applied is None and has_ended(entry, now):
        return Done(reason="ended")
    if _is_dismissed(agenda, entry):
        return Done(reason="dismissed")
    if current is None:
        return Rest(reason="not_connected")
    if not current.usable:
        return Rest(reason="needs_reconnect")
    if applied is None:
        return Create(grant=current, entry=entry, revision=desired.revision, generation=agenda.generation)
    return Update(grant=current, applied=applied, entry=entry, revision=desired.revision)


def _hide(applied: Applied | None, current: Held | None) -> Action:
    if applied is None or current is None:
        return Done(reason="unchanged")
    if not current.usable:
        return Rest(reason="needs_reconnect")
    return Delete(grant=current, applied=applied)


def _applied_has_ended(agenda: Agenda, now: datetime) -> bool:
    entry = agenda.desired.entry if agenda.desired is not None else None
    if entry is not None:
        return has_ended(entry, now)
    return agenda.last_day is not None and agenda.last_day < now.date()


def _is_dismissed(agenda: Agenda, entry: CalendarEntry) -> bool:
    return agenda.dismissed is not None and agenda.dismissed.when_and_where == when_and_where(entry)


def _grant_for(connection: Connection | None, calendar: Calendar) -> Held | None:
    """The usable grant that reaches a calendar: the one in force, or one that is retiring."""
    if connection is None:
        return None
    candidates = ((connection.current,) if connection.current is not None else ()) + connection.retiring
    return next((grant for grant in candidates if grant.calendar == calendar and grant.usable and grant.removing), None)


def _standing(agenda: Agenda) -> tuple[Applied, ...]:
    return agenda.left if agenda.applied is None else (agenda.applied, *agenda.left)


def _begun(agenda: Agenda) -> tuple[Creating, ...]:
    return agenda.begun if agenda.creating is None else (agenda.creating, *agenda.begun)


def still_wanted(agenda: Agenda, creating: Creating, connection: Connection | None, now: datetime) -> bool:
    """Whether a begun create whose event was not found shall be tried again, rather than given up."""
    if creating.refused:
        return False
    entry = agenda.desired.entry if agenda.desired is not None else None
    current = connection.current if connection is not None else None
    if entry is None or current is None or current.calendar != creating.calendar:
        return False
    return not has_ended(entry, now)


def owes_removal(agenda: Agenda, calendar: Calendar, now: datetime) -> bool:
    """Whether a retiring calendar still has something of ours that shall go, or may have."""
    if any(creating.calendar == calendar for creating in _begun(agenda)):
        return True
    return any(applied.calendar == calendar for applied in _standing(agenda)) and not _applied_has_ended(agenda, now)


def begin_create(agenda: Agenda, create: Create, now: datetime) -> Agenda:
    """The agenda with the mark of the create, to be confirmed before the call goes out."""
    calendar = create.grant.calendar
    mark = Creating(
        revision=create.revision,
        generation=create.generation,
        grant_id=create.grant.grant_id,
        calendar=calendar,
        entry=create.entry,
        started_at=now,
    )
    return msgspec.structs.replace(at_calendar(agenda, calendar), creating=mark, applied=None, dismissed=None, waiting=None)


def begin_again(agenda: Agenda, creating: Creating, now: datetime) -> Agenda:
    """The agenda before a begun create is repeated, to be confirmed before that call goes out: its event may appear late as well."""
    return msgspec.structs.replace(at_calendar(agenda, creating.calendar), creating=msgspec.structs.replace(creating, started_at=now))


def after_create(agenda: Agenda, creating: Creating, event: StandingEvent) -> Agenda:
    """The agenda after the event of a begun create was made or found.

    One of another revision was made before this agenda was lost or forgotten: what it shows is not known, so it is owed an update.
    """
    known = event.revision == creating.revision
    applied = Applied(
        revision=event.revision,
        generation=event.generation,
        remote_id=event.remote_id,
        calendar=creating.calendar,
        content=content_hash(creating.entry) if known else "",
        when_and_where=when_and_where(creating.entry) if known else "",
    )
    generation = max(agenda.generation, creating.generation + 1, event.generation + 1)
    agenda = at_calendar(agenda, creating.calendar)
    return msgspec.structs.replace(agenda, applied=applied, creating=None, generation=generation, waiting=None, dismissed=None)


def after_look(agenda: Agenda, creating: Creating) -> Agenda:
    """The agenda after a look found nothing and the event is not wanted any more: the mark goes, its generation is used up."""
    generation = max(agenda.generation, creating.generation + 1)
    return msgspec.structs.replace(at_calendar(agenda, creating.calendar), creating=None, generation=generation)


def after_refusal(agenda: Agenda, creating: Creating) -> Agenda:
    """The agenda after the service said that it will never make this event. Should it have made it all the same, the next look finds it."""
    return msgspec.structs.replace(at_calendar(agenda, creating.calendar), creating=msgspec.structs.replace(creating, refused=True))


def next_generation(agenda: Agenda, creating: Creating) -> Agenda:
    """The agenda after the derived id of a begun create turned out to be used up (an event deleted since)."""
    generation = max(agenda.generation, creating.generation + 1)
    next_one = msgspec.structs.replace(creating, generation=generation)
    return msgspec.structs.replace(at_calendar(agenda, creating.calendar), creating=next_one, generation=generation)


def begin_update(agenda: Agenda, update: Update) -> Agenda:
    """The agenda before an update's call, to be confirmed before that goes out: what the event shows is not known until it was answered.

    Else a change back to what was applied before would be taken for no change, after a call that failed and did its work all the same.
    """
    return _with_applied(agenda, msgspec.structs.replace(update.applied, content=""))


def begin_delete(agenda: Agenda, delete: Delete) -> Agenda:
    """The same before a delete's call. Should the event be wanted again and turn out to be gone, it was not its owner who removed it."""
    return _with_applied(agenda, msgspec.structs.replace(delete.applied, content="", removing=True))


def _with_applied(agenda: Agenda, applied: Applied) -> Agenda:
    return msgspec.structs.replace(at_calendar(agenda, applied.calendar), applied=applied)


def after_update(agenda: Agenda, update: Update) -> Agenda:
    applied = msgspec.structs.replace(
        update.applied,
        revision=update.revision,
        content=content_hash(update.entry),
        when_and_where=when_and_where(update.entry),
        removing=False,
    )
    return msgspec.structs.replace(_with_applied(agenda, applied), waiting=None)


def after_delete(agenda: Agenda, delete: Delete) -> Agenda:
    """The agenda after an event was taken off, or after that was given up for good."""
    return msgspec.structs.replace(at_calendar(agenda, delete.applied.calendar), applied=None, waiting=None)


def after_gone(agenda: Agenda, update: Update) -> Agenda:
    """The agenda after an update found that the event does not stand any more.

    Where it may be our own doing, or where date, time or place is what changes, it is made again, under a new generation; otherwise it was
    removed by hand, which is remembered.
    """
    dismissed = None
    if not update.applied.removing and update.applied.when_and_where == when_and_where(update.entry):
        dismissed = Dismissed(when_and_where=update.applied.when_and_where)
    agenda = at_calendar(agenda, update.applied.calendar)
    return msgspec.structs.replace(agenda, applied=None, dismissed=dismissed, waiting=None)
