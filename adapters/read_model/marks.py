"""How an entry stands: from what the class wants, the last outcome, and the connection as it is now. Pure.

The three arrive in any order (they are keyed and consumed apart), so nothing here looks at which came last; revisions tell.
"""

import msgspec

from adapters.read_model.views import Mark
from schemas.connections import ConnectionState, Service
from schemas.outcomes import Outcome, OutcomeKind, Reason

__all__ = ["OFF", "SHOWN", "WORST_FIRST", "EntryState", "MarkReason", "mark_of", "says_how_it_stands"]

#: Outcomes that leave an event of ours on the calendar as it is wanted.
SHOWN = frozenset({OutcomeKind.CREATED, OutcomeKind.UPDATED, OutcomeKind.UNCHANGED})
#: Without a connection that works on the calendar.
OFF = (None, ConnectionState.DISCONNECTED, ConnectionState.DISCONNECTING)

#: Why an entry rests that no connection tells.
_OF_THE_WORKER = (Reason.SERVICE_FAILING, Reason.TOKEN_UNREADABLE)

#: What wants attention first; a class of several providers shows the first of theirs.
WORST_FIRST = (Mark.FAILED, Mark.WAITING, Mark.NOT_CONNECTED, Mark.SYNCED, Mark.NONE)


class MarkReason:
    """The words of outcomes, and of what only the read model knows. Retries and dead letters carry the service's error instead."""

    PENDING = "pending"
    REMOVING = "removing"
    NOT_BOOKED = "not_booked"
    CANCELLED = "cancelled"
    LEFT_STANDING = "left_standing"
    ENDED = Reason.ENDED
    DISMISSED = Reason.DISMISSED
    NOT_CONNECTED = Reason.NOT_CONNECTED
    NEEDS_RECONNECT = Reason.NEEDS_RECONNECT
    SERVICE_FAILING = Reason.SERVICE_FAILING
    TOKEN_UNREADABLE = Reason.TOKEN_UNREADABLE


class EntryState(msgspec.Struct, frozen=True, kw_only=True):
    """One class and one provider. `wanted` as of `revision`; `standing`: an event of ours is on the calendar, as of the last outcome."""

    wanted: bool
    revision: int
    standing: bool
    outcome_kind: OutcomeKind | None
    outcome_revision: int
    outcome_reason: str | None = None
    outcome_service: Service | None = None

    @property
    def heard(self) -> bool:
        """Whether there is an outcome for what is wanted now."""
        return self.outcome_kind is not None and self.outcome_revision >= self.revision


def says_how_it_stands(outcome: Outcome) -> bool:
    """Not so for what was overtaken, and for the repeats that were executed together with another."""
    if outcome.kind is OutcomeKind.SUPERSEDED:
        return False
    return not (outcome.kind is OutcomeKind.UNCHANGED and outcome.reason == Reason.REPEAT)


def mark_of(
    entry: EntryState, connection: ConnectionState | None, *, ended: bool, service: Service | None = None
) -> tuple[Mark, str | None]:
    """The mark and its reason (a word of MarkReason, or a service's error). `ended`: the class is over. `service`: the connected one."""
    if entry.heard and (found := _by_outcome(entry)) is not None:
        return found
    if not entry.wanted and not entry.standing:
        return Mark.NONE, MarkReason.NOT_BOOKED
    if entry.wanted and not entry.standing and ended:
        return Mark.NONE, MarkReason.ENDED
    if connection in OFF:
        return _without_connection(entry, connection)
    if _is_shown(entry, service):
        return Mark.SYNCED, None
    if connection is ConnectionState.NEEDS_RECONNECT:
        return Mark.WAITING, MarkReason.NEEDS_RECONNECT
    if entry.heard and entry.outcome_kind is OutcomeKind.WAITING and entry.outcome_reason in _OF_THE_WORKER:
        return Mark.WAITING, entry.outcome_reason
    return Mark.WAITING, MarkReason.PENDING if entry.wanted else MarkReason.REMOVING


def _by_outcome(entry: EntryState) -> tuple[Mark, str | None] | None:
    """What an outcome settles, whatever the connection is."""
    match entry.outcome_kind:
        case OutcomeKind.DEAD_LETTERED if entry.wanted or entry.standing:
            return Mark.FAILED, entry.outcome_reason
        case OutcomeKind.RETRYING:
            return Mark.WAITING, entry.outcome_reason
        case OutcomeKind.SKIPPED:
            return Mark.NONE, MarkReason.ENDED
        case OutcomeKind.DISMISSED:
            return Mark.NONE, MarkReason.DISMISSED
        case _:
            return None


def _without_connection(entry: EntryState, connection: ConnectionState | None) -> tuple[Mark, str | None]:
    if not entry.standing:
        return Mark.NOT_CONNECTED, MarkReason.NOT_CONNECTED
    if connection is ConnectionState.DISCONNECTING:
        return Mark.WAITING, MarkReason.REMOVING
    return Mark.NOT_CONNECTED, MarkReason.LEFT_STANDING


def _is_shown(entry: EntryState, service: Service | None) -> bool:
    """An event that stands at another service than the connected one is about to move."""
    if not (entry.wanted and entry.standing and entry.heard and entry.outcome_kind in SHOWN):
        return False
    return service is None or entry.outcome_service in (None, service)
