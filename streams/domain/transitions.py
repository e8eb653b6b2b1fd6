"""How the agenda changes before a call goes out and after it was answered, or was not. Pure.

What a call is about to do is written ahead, confirmed, so that whoever goes on after a kill knows of it (docs/adr/014).
"""

from datetime import date, datetime
from typing import Protocol, TypeVar

import msgspec

from streams.domain.agenda import Agenda, Applied, Creating, Dismissed, Doubt, at_calendar
from streams.domain.entry import content_hash, when_and_where
from streams.domain.owed import unused_generation
from streams.domain.reconcile import Create, Delete, Seek, Update

__all__ = [
    "after_create",
    "after_delete",
    "after_gone",
    "after_look",
    "after_no",
    "after_no_to_create",
    "after_recognition",
    "after_refusal",
    "after_search",
    "after_update",
    "begin_again",
    "begin_create",
    "begin_delete",
    "begin_update",
    "next_generation",
]


T = TypeVar("T", Applied, Creating)


class StandingEvent(Protocol):
    """What a calendar service says of an event that stands (adapters.ports.RemoteEvent)."""

    @property
    def remote_id(self) -> str: ...
    @property
    def revision(self) -> int: ...
    @property
    def generation(self) -> int: ...


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
    """The agenda before a begun create is repeated, to be confirmed before that call goes out: its event may appear late as well.

    After a call that was not answered, too: it may have gone out long after the mark was written.
    """
    return _with_mark(agenda, msgspec.structs.replace(creating, started_at=now, answered=False))


def after_no_to_create(agenda: Agenda, creating: Creating) -> Agenda:
    """The agenda after the service answered that it did not make the event, though it may another time."""
    return _with_mark(agenda, msgspec.structs.replace(creating, answered=True))


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
        ends_on=creating.entry.ends_at.date(),
    )
    generation = max(agenda.generation, creating.generation + 1, event.generation + 1)
    agenda = at_calendar(agenda, creating.calendar)
    return msgspec.structs.replace(agenda, applied=applied, creating=None, generation=generation, waiting=None, dismissed=None)


def after_look(agenda: Agenda, creating: Creating) -> Agenda:
    """The agenda after a look found nothing and the event is not wanted any more: the mark goes, its generation is used up."""
    generation = max(agenda.generation, creating.generation + 1)
    return msgspec.structs.replace(at_calendar(agenda, creating.calendar), creating=None, generation=generation)


def after_recognition(agenda: Agenda, seek: Seek, event: StandingEvent) -> Agenda:
    """The agenda after an event that was made on another calendar turned out to stand on this one. What it shows is not known.

    Under the same id it is the same event, and nothing stands on the other calendar; a copy of it, in a mailbox that was moved, is another.
    """
    calendar, other = seek.grant.calendar, seek.other
    agenda = at_calendar(agenda, calendar)
    if isinstance(other, Applied):
        applied = msgspec.structs.replace(
            other, revision=event.revision, remote_id=event.remote_id, calendar=calendar, content="", sought=()
        )
    else:
        applied = Applied(
            revision=event.revision,
            generation=event.generation,
            remote_id=event.remote_id,
            calendar=calendar,
            content="",
            when_and_where="",
            ends_on=other.entry.ends_at.date(),
        )
    return msgspec.structs.replace(
        agenda,
        applied=applied,
        left=tuple(each for each in agenda.left if each != other or each.remote_id != event.remote_id),
        begun=tuple(each for each in agenda.begun if each != other),
        generation=max(agenda.generation, event.generation + 1),
        dismissed=None,
        waiting=None,
    )


def after_search(agenda: Agenda, seek: Seek) -> Agenda:
    """The agenda after what was made on another calendar was looked for on this one in vain."""

    def known(each: T) -> T:
        return msgspec.structs.replace(each, sought=(*each.sought, seek.grant.calendar)) if each == seek.other else each

    agenda = at_calendar(agenda, seek.grant.calendar)
    return msgspec.structs.replace(agenda, left=tuple(map(known, agenda.left)), begun=tuple(map(known, agenda.begun)))


def after_refusal(agenda: Agenda, creating: Creating) -> Agenda:
    """The agenda after the service said that it will never make this event. Should it have made it all the same, the next look finds it."""
    return _with_mark(agenda, msgspec.structs.replace(creating, refused=True))


def next_generation(agenda: Agenda, creating: Creating) -> Agenda:
    """The agenda after the derived id of a begun create turned out to be used up (an event deleted since). Nobody asked for the next."""
    generation = max(unused_generation(agenda), creating.generation + 1)
    next_one = msgspec.structs.replace(creating, generation=generation, answered=True)
    return msgspec.structs.replace(_with_mark(agenda, next_one), generation=generation)


def _with_mark(agenda: Agenda, creating: Creating) -> Agenda:
    return msgspec.structs.replace(at_calendar(agenda, creating.calendar), creating=creating)


def begin_update(agenda: Agenda, update: Update, until: datetime) -> Agenda:
    """The agenda before an update's call, to be confirmed before that goes out: what the event shows is not known until it was answered.

    Else a change back to what was applied before would be taken for no change, after a call that failed and did its work all the same.
    `until`: when the service will not carry it out any more if it never answers.
    """
    doubt = _joined(update.applied.doubt, Doubt(content=content_hash(update.entry), until=until))
    return _with_applied(agenda, msgspec.structs.replace(update.applied, content="", doubt=doubt, ends_on=_later_day(update)))


def begin_delete(agenda: Agenda, delete: Delete, until: datetime) -> Agenda:
    """The same before a delete's call. Should the event be wanted again and turn out to be gone, it was not its owner who removed it."""
    doubt = _joined(delete.applied.doubt, Doubt(content="", until=until))
    return _with_applied(agenda, msgspec.structs.replace(delete.applied, content="", removing=True, doubt=doubt))


def _later_day(update: Update) -> date:
    day = update.entry.ends_at.date()
    return max(day, update.applied.ends_on or day)


def _joined(before: Doubt | None, call: Doubt) -> Doubt:
    if before is None:
        return call
    return Doubt(content=call.content if before.content == call.content else "", until=max(before.until, call.until))


def _with_applied(agenda: Agenda, applied: Applied) -> Agenda:
    return msgspec.structs.replace(at_calendar(agenda, applied.calendar), applied=applied)


def after_no(agenda: Agenda, action: Update | Delete) -> Agenda:
    """The agenda after the service answered that it did not do it: this call is not in doubt, those before it still are."""
    removing = action.applied.removing or isinstance(action, Delete)
    return _with_applied(agenda, msgspec.structs.replace(action.applied, content="", removing=removing))


def after_update(agenda: Agenda, update: Update) -> Agenda:
    """The agenda after an update was answered. Calls that were in doubt before it may still overtake it, a removal among them."""
    applied = msgspec.structs.replace(
        update.applied,
        revision=update.revision,
        content=content_hash(update.entry),
        when_and_where=when_and_where(update.entry),
        removing=update.applied.removing and update.applied.doubt is not None,
        ends_on=update.entry.ends_at.date() if update.applied.doubt is None else _later_day(update),
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
