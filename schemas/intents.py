"""Intents: what `calendar.intents.v1` and its bulk, retry and dead-letter topics carry.

An intent is imperative and whole: this provider's calendar shall show this class like this (`entry`), or not show it (`entry` null).
"""

from datetime import datetime
from enum import Enum

import msgspec

from schemas.events import Kind, Presence, WallTime

__all__ = ["CalendarEntry", "Intent", "Lane"]


class Lane(Enum):
    """live: a change just now. bulk: backfill, replay, redrive."""

    LIVE = "live"
    BULK = "bulk"


class CalendarEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a calendar shows of a class. Wall time and zone; no student, and no provider.

    `starts_at`, `ends_at`: naive wall time in `time_zone` (an IANA name); an offset is computed only at the adapter.
    """

    title: str
    kind: Kind
    class_type: str
    starts_at: WallTime
    ends_at: WallTime
    time_zone: str
    location: str
    presence: Presence
    url: str | None = None


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """`revision` is the class's version that made it; `id` is derived from (provider, class, revision)."""

    id: str
    provider_id: str
    class_id: str
    revision: int
    entry: CalendarEntry | None
    #: CloudEvents `id` and `type` of the event that caused it, and when that happened (RFC 3339).
    caused_by: str
    cause: str
    occurred_at: datetime | None = None
