"""Level-triggered reconciliation: the newest desired state against what was applied gives the next action. Pure."""

from dataclasses import dataclass
from datetime import datetime

import msgspec

from schemas.intents import CalendarEntry
from schemas.outcomes import Reason
from streams.domain.agenda import Agenda, Applied, Calendar, Creating, at_calendar
from streams.domain.connection import Connection, Held
from streams.domain.entry import content_hash, has_ended, when_and_where
from streams.domain.owed import begun, may_be_on, shown_has_ended, standing, unused_generation

__all__ = [
    "Action",
    "Adopt",
    "Create",
    "Delete",
    "Done",
    "Rest",
    "Seek",
    "Settle",
    "Update",
    "leaving",
    "reconcile",
]


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
class Seek:
    """Look whether what was made on another calendar stands on this one too, before another is made or all is called done."""

    grant: Held
    other: Applied | Creating


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
    """Nothing is owed. `reason`: why nothing stands though it is wanted (ENDED, DISMISSED)."""

    reason: Reason | None = None


@dataclass(frozen=True, kw_only=True)
class Rest:
    """Something is owed and cannot be done now. `reason`: NOT_CONNECTED or NEEDS_RECONNECT."""

    reason: Reason


@dataclass(frozen=True, kw_only=True)
class Settle:
    """All is done, but an older call that was never answered may still be carried out and overtake it: to be written again `until` then."""

    until: datetime


Action = Create | Adopt | Seek | Update | Delete | Done | Rest | Settle


def reconcile(agenda: Agenda, connection: Connection | None, now: datetime) -> Action:
    """What to do next for one (provider, class), until Done, Rest or Settle.

    The calendar in force comes first: what shall stand there never waits for a calendar that is being left (docs/adr/015).
    """
    current = connection.current if connection is not None else None
    here = _disconnected(agenda, now) if current is None else _in_force(agenda, current, now)
    if isinstance(here, Create | Adopt | Seek | Update | Delete):
        return here
    return leaving(agenda, connection, now) or here


def _in_force(agenda: Agenda, current: Held, now: datetime) -> Action:
    agenda = at_calendar(agenda, current.calendar)
    if agenda.creating is None:
        return _here(agenda, current, now)
    if not current.usable:
        return Rest(reason=Reason.NEEDS_RECONNECT)
    return _seek(agenda, current) or Adopt(grant=current, creating=agenda.creating)


def leaving(agenda: Agenda, connection: Connection | None, now: datetime) -> Adopt | Delete | None:
    """What is still to go from calendars that are being left: creates that were begun there, then what stands."""
    for creating in begun(agenda):
        grant = _retiring_for(connection, creating.calendar)
        if grant is not None:
            return Adopt(grant=grant, creating=creating)
    for applied in standing(agenda):
        grant = _retiring_for(connection, applied.calendar)
        if grant is not None and not shown_has_ended(agenda, applied, now):
            return Delete(grant=grant, applied=applied)
    return None


def _disconnected(agenda: Agenda, now: datetime) -> Action:
    """No calendar is in force."""
    entry = agenda.desired.entry if agenda.desired is not None else None
    if agenda.creating is None and agenda.applied is None:
        return _here(agenda, None, now)
    if agenda.applied is not None and entry is not None and agenda.applied.content == content_hash(entry):
        return Done()
    return Rest(reason=Reason.NOT_CONNECTED)


def _here(agenda: Agenda, current: Held | None, now: datetime) -> Action:
    """What was applied, if anything, stands on the calendar in force."""
    desired, applied = agenda.desired, agenda.applied
    entry = desired.entry if desired is not None else None
    if desired is None or entry is None:
        return _hide(agenda, current, now)
    if applied is not None and applied.content == content_hash(entry) and not _may_be_overtaken(applied):
        return Done()
    if applied is None and has_ended(entry, now):
        return Done(reason=Reason.ENDED)
    if _is_dismissed(agenda, entry):
        return Done(reason=Reason.DISMISSED)
    if current is None:
        return Rest(reason=Reason.NOT_CONNECTED)
    if not current.usable:
        return Rest(reason=Reason.NEEDS_RECONNECT)
    if applied is None:
        new = Create(grant=current, entry=entry, revision=desired.revision, generation=unused_generation(agenda))
        return _seek(agenda, current) or new
    if applied.doubt is not None and applied.content == content_hash(entry) and now < applied.doubt.until:
        return Settle(until=applied.doubt.until)
    return Update(grant=current, applied=_without_old_doubt(applied, now), entry=entry, revision=desired.revision)


def _hide(agenda: Agenda, current: Held | None, now: datetime) -> Action:
    """Where nothing shall stand an older call cannot do harm: no service brings back an event that was taken off."""
    if current is None:
        return Done()
    if agenda.applied is None:
        seek = _seek(agenda, current) if current.usable else None
        over = seek is not None and isinstance(seek.other, Applied) and shown_has_ended(agenda, seek.other, now)
        return Done() if seek is None or over else seek
    return Delete(grant=current, applied=agenda.applied) if current.usable else Rest(reason=Reason.NEEDS_RECONNECT)


def _seek(agenda: Agenda, current: Held) -> Seek | None:
    other = may_be_on(agenda, current.calendar)
    return None if other is None else Seek(grant=current, other=other)


def _may_be_overtaken(applied: Applied) -> bool:
    return applied.doubt is not None and applied.doubt.content != applied.content


def _without_old_doubt(applied: Applied, now: datetime) -> Applied:
    if applied.doubt is None or now < applied.doubt.until:
        return applied
    return msgspec.structs.replace(applied, doubt=None)


def _is_dismissed(agenda: Agenda, entry: CalendarEntry) -> bool:
    return agenda.dismissed is not None and agenda.dismissed.when_and_where == when_and_where(entry)


def _retiring_for(connection: Connection | None, calendar: Calendar) -> Held | None:
    """The grant that is kept until what is ours is off its calendar."""
    retiring = connection.retiring if connection is not None else ()
    return next((grant for grant in retiring if grant.calendar == calendar and grant.usable and grant.removing), None)
