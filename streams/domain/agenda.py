"""The agenda: per (provider, class) what is desired, what was applied, and the remote event's id. Pure data and its codec."""

from datetime import date, datetime

import msgspec

from schemas.connections import Service
from schemas.intents import CalendarEntry, Intent
from streams.domain.forgetting import day_to_forget, day_to_keep, later_day

__all__ = [
    "Agenda",
    "Applied",
    "Calendar",
    "Creating",
    "Desired",
    "Dismissed",
    "Doubt",
    "agenda_key",
    "at_calendar",
    "decode_agenda",
    "encode_agenda",
    "forget_entry_on",
    "intent_of",
    "is_newer_agenda",
    "merge",
    "provider_prefix",
]


class Calendar(msgspec.Struct, frozen=True):
    """Whose primary calendar: the service and the account. A new grant to the same account is the same calendar.

    `email`: an address of the account; with what else it takes where that was another account's before (see Account).
    """

    service: Service
    email: str


class Desired(msgspec.Struct, frozen=True, kw_only=True):
    """What the newest known intent wants. `entry` None: nothing shall stand."""

    revision: int
    entry: CalendarEntry | None
    intent_id: str
    caused_by: str
    cause: str
    occurred_at: datetime | None = None


class Doubt(msgspec.Struct, frozen=True, kw_only=True):
    """Calls about an event that were begun and not answered: the service may still carry them out, in any order, `until` then.

    `content`: the hash of what each of them leaves; empty where they differ, or one takes the event off.
    """

    content: str
    until: datetime


class Applied(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What stands on the calendar, as far as we know. `content` and `when_and_where` are hashes of the entry applied.

    An empty `content`: what the event shows is not known, since a call about it was begun and its answer has not been noted. With `doubt`,
    what is known may still be overtaken by an older call.
    """

    revision: int
    generation: int
    remote_id: str
    calendar: Calendar
    content: str
    when_and_where: str
    #: Its removal was begun, so it may be gone by our own hand.
    removing: bool = False
    doubt: Doubt | None = None
    #: The last day that it may show.
    ends_on: date | None = None
    #: Calendars of the service on which it was looked for too, and does not stand.
    sought: tuple[Calendar, ...] = ()


class Creating(msgspec.Struct, frozen=True, kw_only=True):
    """The mark of a create, written ahead and confirmed before the call goes out.

    Whoever finds it looks for the event before creating again, and repeats the create with exactly this entry, unless it was `refused`:
    then the service will never take this entry, and what is wanted by now may be another. `started_at`: when its latest call was begun.
    `answered`: the service said that it did not do it, so no event will appear late.
    """

    revision: int
    generation: int
    grant_id: str
    calendar: Calendar
    entry: CalendarEntry
    started_at: datetime
    refused: bool = False
    answered: bool = False
    #: As of an event that was applied.
    sought: tuple[Calendar, ...] = ()


class Dismissed(msgspec.Struct, frozen=True, kw_only=True):
    """The provider removed the event by hand; it is made again only when date, time or place changes."""

    when_and_where: str


class Agenda(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`generation` counts how many remote events were begun. `waiting` says why an owed change rests (a word for outcomes)."""

    provider_id: str
    class_id: str
    desired: Desired | None = None
    applied: Applied | None = None
    creating: Creating | None = None
    #: What stands, and what was begun, on other calendars of the provider, at most one each: taken up again when one comes back into force.
    left: tuple[Applied, ...] = ()
    begun: tuple[Creating, ...] = ()
    dismissed: Dismissed | None = None
    generation: int = 0
    waiting: str | None = None
    #: The class's last day, as last heard of; kept when nothing is desired any more.
    last_day: date | None = None
    #: Counts as the last day where it is later: see ClassState.
    kept_until: date | None = None


encode_agenda = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(Agenda)


def decode_agenda(row: bytes) -> Agenda:
    """Raises msgspec.DecodeError for a row of another format: the worker must not go on over it."""
    return _decoder.decode(row)


class _Revision(msgspec.Struct):
    revision: int


class _Wish(msgspec.Struct):
    desired: _Revision | None = None


_wish = msgspec.json.Decoder(_Wish)


def is_newer_agenda(row: bytes, other: bytes) -> bool:
    """Whether a row wants a later revision than another of the same provider and class. Raises msgspec.DecodeError."""
    wish, other_wish = _wish.decode(row).desired, _wish.decode(other).desired
    return wish is not None and (other_wish is None or wish.revision > other_wish.revision)


def provider_prefix(provider_id: str) -> bytes:
    """What every key of a provider's agenda starts with. The id's length goes first, so no id can imitate another's prefix."""
    raw = provider_id.encode()
    return b"%d:%b/" % (len(raw), raw)


def agenda_key(provider_id: str, class_id: str) -> bytes:
    return provider_prefix(provider_id) + class_id.encode()


def merge(agenda: Agenda, intent: Intent) -> Agenda:
    """The agenda after an intent arrived: a newer revision replaces what is desired; anything else changes nothing."""
    if agenda.desired is not None and intent.revision <= agenda.desired.revision:
        return agenda
    desired = Desired(
        revision=intent.revision,
        entry=intent.entry,
        intent_id=intent.id,
        caused_by=intent.caused_by,
        cause=intent.cause,
        occurred_at=intent.occurred_at,
    )
    if intent.entry is None:
        return msgspec.structs.replace(agenda, desired=desired)
    last_day, kept_until = intent.entry.ends_at.date(), agenda.kept_until
    if agenda.last_day is not None and intent.occurred_at is not None:
        kept_until = later_day(kept_until, day_to_keep(agenda.last_day, last_day, intent.occurred_at.date()))
    return msgspec.structs.replace(agenda, desired=desired, last_day=last_day, kept_until=kept_until)


def intent_of(agenda: Agenda) -> Intent | None:
    """The newest intent again, for the bulk lane: same id, same revision."""
    desired = agenda.desired
    if desired is None:
        return None
    return Intent(
        id=desired.intent_id,
        provider_id=agenda.provider_id,
        class_id=agenda.class_id,
        revision=desired.revision,
        entry=desired.entry,
        caused_by=desired.caused_by,
        cause=desired.cause,
        occurred_at=desired.occurred_at,
    )


def at_calendar(agenda: Agenda, calendar: Calendar) -> Agenda:
    """The agenda as seen from one calendar: what stands or was begun elsewhere is put aside, what was put aside there is taken up."""
    standing = agenda.left if agenda.applied is None else (*agenda.left, agenda.applied)
    begun = agenda.begun if agenda.creating is None else (*agenda.begun, agenda.creating)
    return msgspec.structs.replace(
        agenda,
        applied=next((each for each in standing if each.calendar == calendar), None),
        left=tuple(each for each in standing if each.calendar != calendar),
        creating=next((each for each in begun if each.calendar == calendar), None),
        begun=tuple(each for each in begun if each.calendar != calendar),
    )


def forget_entry_on(agenda: Agenda, today: date, forget_after_days: int) -> date:
    """The day (UTC) from which the entry may be forgotten: after the class's last day, as the class itself.

    An event that could not be changed since may show a later day than the class has by now; it is not forgotten before that.
    Where no day of the class was ever heard of, nothing stands either, and the day of the last intent counts.
    """
    desired = agenda.desired
    shown = [applied.ends_on for applied in (agenda.applied, *agenda.left) if applied is not None and applied.ends_on is not None]
    if agenda.last_day is not None:
        last_day = max([agenda.last_day, *shown, agenda.kept_until or agenda.last_day])
    elif desired is not None and desired.occurred_at is not None:
        last_day = desired.occurred_at.date()
    else:
        last_day = today
    return day_to_forget(last_day, forget_after_days)
