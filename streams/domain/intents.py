"""What the calendars shall show of a class, and the intents that a change of it makes.

No student goes in here: only whether somebody is on the roster counts.
"""

from collections.abc import Mapping
from datetime import datetime
from hashlib import blake2b

import msgspec

from schemas.intents import CalendarEntry, Intent
from streams.domain.state import ClassDetails, ClassState

__all__ = ["Cause", "derive_intents", "intent_id", "may_differ", "wanted"]


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """The event behind a change: its CloudEvents `id` and `type`, and when it happened where that is known."""

    event_id: str
    type: str
    occurred_at: datetime | None = None


def wanted(state: ClassState | None) -> Mapping[str, CalendarEntry]:
    """provider_id -> what that provider's calendar shall show; empty when the class is not booked."""
    if state is None or not state.booked or state.details is None:
        return {}
    return dict.fromkeys(state.details.provider_ids, _entry_of(state.details))


def may_differ(before: ClassState | None, after: ClassState) -> bool:
    """Whether any calendar may have to show something else; cheap, and no for all that a roster does to a booked class."""
    return before is None or before.details is not after.details or before.booked != after.booked


def derive_intents(class_id: str, before: ClassState | None, after: ClassState, cause: Cause) -> tuple[Intent, ...]:
    """One intent for each provider whose wanted entry differs, at revision `after.version`.

    In the order of the providers before, then of those who are new: who loses a class hears of it first.
    """
    if not may_differ(before, after):
        return ()
    was, now = wanted(before), wanted(after)
    return tuple(
        Intent(
            id=intent_id(provider_id, class_id, after.version),
            provider_id=provider_id,
            class_id=class_id,
            revision=after.version,
            entry=now.get(provider_id),
            caused_by=cause.event_id,
            cause=cause.type,
            occurred_at=cause.occurred_at,
        )
        for provider_id in dict.fromkeys((*was, *now))
        if was.get(provider_id) != now.get(provider_id)
    )


def intent_id(provider_id: str, class_id: str, revision: int) -> str:
    """32 hex digits, the same for the same three in every process and release; the lengths keep `a`, `bc` apart from `ab`, `c`."""
    name = f"{len(provider_id)}:{provider_id}{len(class_id)}:{class_id}{revision}"
    return blake2b(name.encode(), digest_size=16).hexdigest()


def _entry_of(details: ClassDetails) -> CalendarEntry:
    return CalendarEntry(
        title=details.title,
        kind=details.kind,
        class_type=details.class_type,
        starts_at=details.starts_at,
        ends_at=details.ends_at,
        time_zone=details.time_zone,
        location=details.location,
        presence=details.presence,
        url=details.url,
    )
