"""How an entry stands, for every meeting of what is wanted, what came of it, and the connection as it is."""

import msgspec
import pytest

from adapters.read_model.marks import EntryState, MarkReason, mark_of, says_how_it_stands
from adapters.read_model.views import Mark
from schemas.connections import ConnectionState, Service
from schemas.outcomes import OutcomeKind
from tests.integration.read_model.folding import outcome

CONNECTED, NEEDS_RECONNECT = ConnectionState.CONNECTED, ConnectionState.NEEDS_RECONNECT
DISCONNECTING, DISCONNECTED = ConnectionState.DISCONNECTING, ConnectionState.DISCONNECTED

#: Wanted at revision 2, nothing heard.
NEW = EntryState(wanted=True, revision=2, standing=False, outcome_kind=None, outcome_revision=0)
#: Stands as wanted.
SHOWN = msgspec.structs.replace(NEW, standing=True, outcome_kind=OutcomeKind.CREATED, outcome_revision=2, outcome_service=Service.GOOGLE)
#: Stands, and changed since.
STALE = msgspec.structs.replace(SHOWN, revision=3)
#: Stands, and shall not any more.
UNWANTED = msgspec.structs.replace(STALE, wanted=False)


def after(kind: OutcomeKind, reason: str | None = None, *, standing: bool = False, wanted: bool = True) -> EntryState:
    return msgspec.structs.replace(NEW, wanted=wanted, standing=standing, outcome_kind=kind, outcome_revision=2, outcome_reason=reason)


@pytest.mark.parametrize(
    ("entry", "connection", "mark", "reason"),
    [
        (NEW, None, Mark.NOT_CONNECTED, MarkReason.NOT_CONNECTED),
        (NEW, DISCONNECTED, Mark.NOT_CONNECTED, MarkReason.NOT_CONNECTED),
        (NEW, CONNECTED, Mark.WAITING, MarkReason.PENDING),
        (NEW, NEEDS_RECONNECT, Mark.WAITING, MarkReason.NEEDS_RECONNECT),
        (SHOWN, CONNECTED, Mark.SYNCED, None),
        (SHOWN, NEEDS_RECONNECT, Mark.SYNCED, None),
        (SHOWN, DISCONNECTED, Mark.NOT_CONNECTED, MarkReason.LEFT_STANDING),
        (SHOWN, DISCONNECTING, Mark.WAITING, MarkReason.REMOVING),
        (STALE, CONNECTED, Mark.WAITING, MarkReason.PENDING),
        (STALE, NEEDS_RECONNECT, Mark.WAITING, MarkReason.NEEDS_RECONNECT),
        (UNWANTED, CONNECTED, Mark.WAITING, MarkReason.REMOVING),
        (UNWANTED, NEEDS_RECONNECT, Mark.WAITING, MarkReason.NEEDS_RECONNECT),
        (UNWANTED, None, Mark.NOT_CONNECTED, MarkReason.LEFT_STANDING),
        (after(OutcomeKind.UNCHANGED, standing=True), CONNECTED, Mark.SYNCED, None),
        (after(OutcomeKind.UPDATED, standing=True), CONNECTED, Mark.SYNCED, None),
        (after(OutcomeKind.DELETED, wanted=False), CONNECTED, Mark.NONE, MarkReason.NOT_BOOKED),
        (after(OutcomeKind.DELETED), DISCONNECTED, Mark.NOT_CONNECTED, MarkReason.NOT_CONNECTED),
        (after(OutcomeKind.SKIPPED, "ended"), CONNECTED, Mark.NONE, MarkReason.ENDED),
        (after(OutcomeKind.DISMISSED, "dismissed"), CONNECTED, Mark.NONE, MarkReason.DISMISSED),
        (after(OutcomeKind.WAITING, "service_failing"), CONNECTED, Mark.WAITING, MarkReason.SERVICE_FAILING),
        (after(OutcomeKind.WAITING, "not_connected"), CONNECTED, Mark.WAITING, MarkReason.PENDING),
        (after(OutcomeKind.WAITING, "needs_reconnect"), NEEDS_RECONNECT, Mark.WAITING, MarkReason.NEEDS_RECONNECT),
        (after(OutcomeKind.RETRYING, "google: 503 backendError"), CONNECTED, Mark.WAITING, "google: 503 backendError"),
        (after(OutcomeKind.DEAD_LETTERED, "google: 400 invalid"), CONNECTED, Mark.FAILED, "google: 400 invalid"),
        (after(OutcomeKind.DEAD_LETTERED, "google: 400 invalid", wanted=False), CONNECTED, Mark.NONE, MarkReason.NOT_BOOKED),
        (msgspec.structs.replace(after(OutcomeKind.DEAD_LETTERED, "x"), revision=3), CONNECTED, Mark.WAITING, MarkReason.PENDING),
    ],
)
def test_marks(entry: EntryState, connection: ConnectionState | None, mark: Mark, reason: str | None) -> None:
    assert mark_of(entry, connection, ended=False) == (mark, reason)


def test_what_stands_at_the_other_service_is_about_to_move() -> None:
    assert mark_of(SHOWN, CONNECTED, ended=False, service=Service.MICROSOFT) == (Mark.WAITING, MarkReason.PENDING)
    assert mark_of(SHOWN, CONNECTED, ended=False, service=Service.GOOGLE) == (Mark.SYNCED, None)


def test_a_class_that_is_over_and_never_stood_waits_for_nothing() -> None:
    for connection in (None, CONNECTED, NEEDS_RECONNECT):
        assert mark_of(NEW, connection, ended=True) == (Mark.NONE, MarkReason.ENDED)
    assert mark_of(SHOWN, CONNECTED, ended=True) == (Mark.SYNCED, None)


def test_overtaken_intents_and_repeats_say_nothing_of_how_it_stands() -> None:
    assert not says_how_it_stands(outcome(OutcomeKind.SUPERSEDED, 1))
    assert not says_how_it_stands(outcome(OutcomeKind.UNCHANGED, 1, reason="repeat"))
    assert says_how_it_stands(outcome(OutcomeKind.UNCHANGED, 1))
