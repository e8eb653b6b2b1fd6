"""How connection events change a provider's connection. Pure."""

from datetime import datetime
from enum import Enum
from typing import assert_never

import msgspec

from schemas.connections import ConnectionEvent, ConnectionGranted, ConnectionRevoked
from streams.domain.agenda import Calendar
from streams.domain.connection import Account, Connection, Held

__all__ = ["Change", "Heard", "heard", "heard_grant", "on_connection_event"]


class Change(Enum):
    """What a connection event asks for beside the new row."""

    NONE = "none"
    #: Every entry goes to the bulk lane.
    SWEEP = "sweep"


class Heard(Enum):
    """What a connection event is, given what was heard of the provider before. All but NEWS change nothing."""

    NEWS = "news"
    #: The newest event once more.
    REPEAT = "repeat"
    #: From before the newest.
    OLDER = "older"
    #: A grant whose end was heard since.
    ENDED = "ended"
    #: The end of a grant that is not in force.
    UNKNOWN = "unknown"


def on_connection_event(connection: Connection, event: ConnectionEvent) -> tuple[Connection, Change]:
    """The row after the event, and what to do next. A repeat, and anything older than what was heard last, changes nothing.

    A repeat of the newest event asks for the same as its first time: a worker killed in between may not have come to do it.
    Grants that are not wanted any more stay in `retiring` until they are dealt with, so that a kill in between loses none (see `closing`).
    """
    match event:
        case ConnectionGranted():
            return _granted(connection, event)
        case ConnectionRevoked():
            return _revoked(connection, event)
        case _:
            assert_never(event)


def heard(connection: Connection, event: ConnectionEvent) -> Heard:
    """What an event is. Whoever ignores one because of it has to tell: somebody may be waiting for it to count."""
    match event:
        case ConnectionGranted():
            return heard_grant(connection, event.grant_id, event.connected_at)
        case ConnectionRevoked():
            return _heard_end(connection, event)
        case _:
            assert_never(event)


def heard_grant(connection: Connection, grant_id: str, connected_at: datetime) -> Heard:
    if grant_id == connection.last_grant_id:
        return Heard.REPEAT if connection.current is not None else Heard.ENDED
    return Heard.OLDER if _is_older(connection, connected_at) else Heard.NEWS


def _heard_end(connection: Connection, event: ConnectionRevoked) -> Heard:
    current = connection.current
    if any(grant.grant_id == event.grant_id and grant.removing for grant in connection.retiring):
        return Heard.REPEAT
    if current is None or current.grant_id != event.grant_id:
        return Heard.REPEAT if current is None and event.grant_id == connection.last_grant_id else Heard.UNKNOWN
    return Heard.NEWS  # it names the very grant in force: whatever the clocks say, its end comes after it


def _granted(connection: Connection, event: ConnectionGranted) -> tuple[Connection, Change]:
    what, old = heard(connection, event), connection.current
    if what is not Heard.NEWS:
        return connection, Change.SWEEP if what is Heard.REPEAT else Change.NONE
    account = _account(connection, event)
    held = Held(
        service=event.service,
        email=event.email,
        grant_id=event.grant_id,
        sealed_refresh_token=event.sealed_refresh_token,
        connected_at=event.connected_at,
        account=account,
    )
    retiring = connection.retiring
    if old is not None and old.calendar != held.calendar and old.usable:
        retiring = (*retiring, old)
    row = Connection(
        provider_id=connection.provider_id,
        current=held,
        # A grant to the same account is the same calendar: its events are not to be removed, and revoking it would revoke the new one too.
        retiring=tuple(grant for grant in retiring if grant.calendar != held.calendar),
        last_grant_id=event.grant_id,
        last_changed_at=event.connected_at,
        accounts=connection.accounts if account is None or account in connection.accounts else (*connection.accounts, account),
    )
    return row, Change.SWEEP


def _account(connection: Connection, event: ConnectionGranted) -> Account | None:
    """The account of a grant as it is known, or comes to be known: by its address, and by more where that was another account's before."""
    if event.account_id is None:
        return None
    known = [account for account in connection.accounts if account.calendar.service is event.service]
    by_address = Calendar(event.service, event.email.casefold())
    if any(account.calendar == by_address for account in known):
        by_address = Calendar(event.service, f"{by_address.email} {event.account_id}")
    same = next((account for account in known if account.account_id == event.account_id), None)
    return same or Account(event.account_id, by_address)


def _revoked(connection: Connection, event: ConnectionRevoked) -> tuple[Connection, Change]:
    current = connection.current
    if any(grant.grant_id == event.grant_id and grant.removing for grant in connection.retiring):
        return connection, Change.SWEEP
    if current is None or heard(connection, event) is not Heard.NEWS:
        return connection, Change.NONE
    removing = event.remove_events and current.usable
    row = msgspec.structs.replace(
        connection,
        current=None,
        retiring=(*connection.retiring, msgspec.structs.replace(current, removing=removing)),
        last_changed_at=max(event.revoked_at, connection.last_changed_at or event.revoked_at),
    )
    return row, Change.SWEEP if removing else Change.NONE


def _is_older(connection: Connection, at: datetime) -> bool:
    return connection.last_changed_at is not None and at < connection.last_changed_at
