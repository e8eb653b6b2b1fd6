"""What may still be owed to a calendar: what stands there, what was begun there, and until when that concerns anybody. Pure."""

from datetime import datetime, timedelta

from streams.domain.agenda import Agenda, Applied, Calendar, Creating
from streams.domain.connection import Connection
from streams.domain.entry import content_hash, has_ended

__all__ = [
    "begun",
    "may_appear_for",
    "may_be_on",
    "may_be_owed",
    "owes_removal",
    "shown_has_ended",
    "standing",
    "still_wanted",
    "unused_generation",
]


def standing(agenda: Agenda) -> tuple[Applied, ...]:
    """What stands on any calendar, the one in force first."""
    return agenda.left if agenda.applied is None else (agenda.applied, *agenda.left)


def begun(agenda: Agenda) -> tuple[Creating, ...]:
    """Creates that were begun on any calendar, the one in force first."""
    return agenda.begun if agenda.creating is None else (agenda.creating, *agenda.begun)


def unused_generation(agenda: Agenda) -> int:
    """For a new event. Not that of a create that was begun elsewhere: were that the same mailbox, a look would take one for the other."""
    return max([agenda.generation, *(creating.generation + 1 for creating in begun(agenda))])


def may_be_on(agenda: Agenda, calendar: Calendar) -> Applied | Creating | None:
    """What stands, or was begun, on another calendar of the service and was not looked for on this one.

    The two may be one mailbox: under another address, or moved with all that is in it.
    """
    everywhere: tuple[Applied | Creating, ...] = (*standing(agenda), *begun(agenda))
    for each in everywhere:
        if each.calendar != calendar and each.calendar.service is calendar.service and calendar not in each.sought:
            return each
    return None


def shown_has_ended(agenda: Agenda, applied: Applied, now: datetime) -> bool:
    """Whether an event is of the past. It may show a later day than the class has by now, when it could not be changed meanwhile."""
    if applied.ends_on is not None and applied.ends_on > now.date():
        return False
    entry = agenda.desired.entry if agenda.desired is not None else None
    if entry is not None:
        return has_ended(entry, now)
    return agenda.last_day is not None and agenda.last_day < now.date()


def owes_removal(agenda: Agenda, calendar: Calendar, now: datetime) -> bool:
    """Whether a retiring calendar still has something of ours that shall go, or may have."""
    if any(creating.calendar == calendar for creating in begun(agenda)):
        return True
    return any(applied.calendar == calendar and not shown_has_ended(agenda, applied, now) for applied in standing(agenda))


def may_be_owed(agenda: Agenda, now: datetime) -> bool:
    """Whether a change of the connection may concern the entry. A class that has ended does where what stands is not as it shall be."""
    entry = agenda.desired.entry if agenda.desired is not None else None
    if begun(agenda):
        return True
    if entry is None:
        return bool(standing(agenda))
    return not has_ended(entry, now) or any(applied.content != content_hash(entry) for applied in standing(agenda))


def may_appear_for(creating: Creating, settle: timedelta, now: datetime) -> timedelta:
    """How long the event of a begun create that was not found may still appear; nothing where it cannot any more.

    `settle`: how long after a call was begun a service may still carry it out.
    """
    return timedelta() if creating.answered else max(creating.started_at + settle - now, timedelta())


def still_wanted(agenda: Agenda, creating: Creating, connection: Connection | None, now: datetime) -> bool:
    """Whether a begun create whose event will not appear any more shall be tried again, rather than given up.

    Not where an event stands by now: it was made under another address of the mailbox.
    """
    if creating.refused or any(applied.calendar == creating.calendar for applied in standing(agenda)):
        return False
    entry = agenda.desired.entry if agenda.desired is not None else None
    current = connection.current if connection is not None else None
    if entry is None or current is None or current.calendar != creating.calendar:
        return False
    return not has_ended(entry, now)
