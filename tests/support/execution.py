"""Builders for tests of execution: one provider, one class, and grants to their calendars, with believable values."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from schemas.connections import ConnectionGranted, ConnectionRevoked, Service
from schemas.events import Kind, Presence
from schemas.intents import CalendarEntry, Intent
from streams.domain.agenda import Agenda, Applied, Calendar, Creating, merge
from streams.domain.connection import Connection, Held
from streams.domain.entry import content_hash, when_and_where

__all__ = [
    "ADA",
    "CLASS_ID",
    "NOW",
    "agenda",
    "applied",
    "connected",
    "creating",
    "entry",
    "grant_at",
    "granted",
    "held",
    "intent",
    "revoked",
]

ADA, CLASS_ID = "ada", "class-7"
#: A week before the class.
NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)

_ENTRY = CalendarEntry(
    title="Yoga for all",
    kind=Kind.CLASS,
    class_type="yoga",
    starts_at=datetime(2027, 3, 8, 9, 30),
    ends_at=datetime(2027, 3, 8, 10, 30),
    time_zone="Europe/Berlin",
    location="Room 1",
    presence=Presence.IN_PERSON,
    url="https://classes.example/7",
)


def entry(**changes: Any) -> CalendarEntry:
    return msgspec.structs.replace(_ENTRY, **changes)


def intent(revision: int = 1, shown: CalendarEntry | None = _ENTRY, **changes: Any) -> Intent:
    """`shown` None: the class shall not stand."""
    values: dict[str, Any] = {
        "id": f"intent-{revision}",
        "provider_id": ADA,
        "class_id": CLASS_ID,
        "revision": revision,
        "entry": shown,
        "caused_by": f"event-{revision}",
        "cause": "com.impactfeedback.booking.class.rescheduled.v1",
    }
    return Intent(**values | changes)


def grant_at(number: int) -> datetime:
    """When the grant of that number was given: later ones later."""
    return NOW - timedelta(days=30) + timedelta(hours=number)


def granted(number: int = 1, *, email: str = "ada@example.org", service: Service = Service.GOOGLE, **changes: Any) -> ConnectionGranted:
    values: dict[str, Any] = {
        "provider_id": ADA,
        "grant_id": f"grant-{number}",
        "service": service,
        "email": email,
        "sealed_refresh_token": f"sealed-{number}",
        "scopes": ("calendar",),
        "connected_at": grant_at(number),
    }
    return ConnectionGranted(**values | changes)


def revoked(number: int = 1, *, at: datetime | None = None, remove_events: bool = False) -> ConnectionRevoked:
    moment = at or grant_at(number) + timedelta(minutes=30)
    return ConnectionRevoked(provider_id=ADA, grant_id=f"grant-{number}", revoked_at=moment, remove_events=remove_events)


def held(number: int = 1, **changes: Any) -> Held:
    event = granted(number)
    values: dict[str, Any] = {
        "service": event.service,
        "email": event.email,
        "grant_id": event.grant_id,
        "sealed_refresh_token": event.sealed_refresh_token,
        "connected_at": event.connected_at,
    }
    return Held(**values | changes)


def connected(current: Held | None = None, *retiring: Held) -> Connection:
    """`current` None: not connected any more, if ever."""
    return Connection(provider_id=ADA, current=current, retiring=retiring)


def agenda(*intents: Intent, **changes: Any) -> Agenda:
    """After these intents; `changes` are what execution did since."""
    it = Agenda(provider_id=ADA, class_id=CLASS_ID)
    for each in intents:
        it = merge(it, each)
    return msgspec.structs.replace(it, **changes)


def applied(shown: CalendarEntry = _ENTRY, revision: int = 1, *, on: Calendar | None = None, **changes: Any) -> Applied:
    values: dict[str, Any] = {
        "revision": revision,
        "generation": 0,
        "remote_id": "remote-0",
        "calendar": on or held().calendar,
        "content": content_hash(shown),
        "when_and_where": when_and_where(shown),
        "ends_on": shown.ends_at.date(),
    }
    return Applied(**values | changes)


def creating(shown: CalendarEntry = _ENTRY, revision: int = 1, *, on: Held | None = None, **changes: Any) -> Creating:
    grant = on or held()
    values: dict[str, Any] = {
        "revision": revision,
        "generation": 0,
        "grant_id": grant.grant_id,
        "calendar": grant.calendar,
        "entry": shown,
        "started_at": NOW,
    }
    return Creating(**values | changes)
