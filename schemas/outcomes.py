"""Outcomes: what became of an intent (`calendar.outcomes.v1`, the audit log)."""

from datetime import datetime
from enum import Enum

import msgspec

from schemas.connections import Service
from schemas.intents import Lane

__all__ = ["CHANGES", "Outcome", "OutcomeKind"]


class OutcomeKind(Enum):
    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"
    #: The calendar already showed it so.
    UNCHANGED = "unchanged"
    #: A newer revision was known already.
    SUPERSEDED = "superseded"
    #: Nothing to do, for good: see `reason` (`ended`).
    SKIPPED = "skipped"
    #: The provider removed the event by hand; remembered.
    DISMISSED = "dismissed"
    #: Remembered by the agenda until something happens: see `reason` (`not_connected`, `needs_reconnect`, `service_failing`).
    WAITING = "waiting"
    #: Sent to a retry tier.
    RETRYING = "retrying"
    DEAD_LETTERED = "dead_lettered"


#: Outcomes that changed something on the calendar.
CHANGES = frozenset({OutcomeKind.CREATED, OutcomeKind.UPDATED, OutcomeKind.DELETED})


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """Past tense: what became of one intent, once per attempt. No title, place, student or token."""

    intent_id: str
    provider_id: str
    class_id: str
    revision: int
    kind: OutcomeKind
    at: datetime
    lane: Lane
    attempt: int = 1
    service: Service | None = None
    reason: str | None = None
    remote_id: str | None = None
    generation: int | None = None
    next_try_at: datetime | None = None
