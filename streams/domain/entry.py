"""What a calendar entry says, in short: hashes to compare it by, and whether it is over. Pure."""

from datetime import datetime
from hashlib import blake2b

import msgspec

from schemas.intents import CalendarEntry
from schemas.wall_time import instants

__all__ = ["content_hash", "has_ended", "when_and_where"]


def content_hash(entry: CalendarEntry) -> str:
    """A hash of everything a calendar shows of the entry."""
    return blake2b(msgspec.json.encode(entry), digest_size=12).hexdigest()


def when_and_where(entry: CalendarEntry) -> str:
    """A hash of date, time and place: what brings back an event that its owner removed."""
    parts = (entry.starts_at, entry.ends_at, entry.time_zone, entry.location, entry.presence)
    return blake2b(msgspec.json.encode(parts), digest_size=12).hexdigest()


def has_ended(entry: CalendarEntry, now: datetime) -> bool:
    return instants(entry.starts_at, entry.ends_at, entry.time_zone)[1] <= now
