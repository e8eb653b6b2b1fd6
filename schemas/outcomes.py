"""Outcomes: what became of an intent (`calendar.outcomes.v1`, the audit log)."""

from datetime import datetime
from enum import Enum, StrEnum

import msgspec

from schemas.connections import Service
from schemas.intents import Lane

__all__ = ["CHANGES", "Outcome", "OutcomeKind", "Reason"]


class OutcomeKind(Enum):
    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"
    #: The calendar already showed it so.
    UNCHANGED = "unchanged"
    #: A newer revision was known already.
    SUPERSEDED = "superseded"
    #: Nothing to do, for good: see Reason.
    SKIPPED = "skipped"
    #: The provider removed the event by hand; remembered.
    DISMISSED = "dismissed"
    #: Remembered by the agenda until something happens: see Reason.
    WAITING = "waiting"
    #: Sent to a retry tier.
    RETRYING = "retrying"
    DEAD_LETTERED = "dead_lettered"


class Reason(StrEnum):
    """Why nothing was done, or not yet, in words that do not change. A call that failed is told in the words of adapters.errors instead."""

    #: The class was over before it could be put on the calendar.
    ENDED = "ended"
    DISMISSED = "dismissed"
    NOT_CONNECTED = "not_connected"
    NEEDS_RECONNECT = "needs_reconnect"
    SERVICE_FAILING = "service_failing"
    #: What is saved of the connection cannot be opened with the vault keys that the worker has: an operator has to act.
    TOKEN_UNREADABLE = "token_unreadable"  # noqa: S105 - a word, no token
    #: The calendar service asked to be called again later only.
    THROTTLED = "throttled"
    #: The same intent was executed together with this one.
    REPEAT = "repeat"


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
    #: A word of Reason, or a failure in words.
    reason: str | None = None
    remote_id: str | None = None
    generation: int | None = None
    next_try_at: datetime | None = None
