"""A provider's connection as the execute worker keeps it. Pure data, its codec, and how connection events change it."""

from datetime import datetime
from enum import Enum
from typing import assert_never

import msgspec

from schemas.connections import ConnectionEvent, ConnectionGranted, ConnectionRevoked, ConnectionState, ConnectionStatus, Service
from streams.domain.agenda import Calendar

__all__ = [
    "Account",
    "Connection",
    "Change",
    "Heard",
    "Held",
    "closing",
    "decode_connection_row",
    "encode_connection_row",
    "grant_died",
    "heard",
    "heard_grant",
    "is_newer_connection",
    "on_connection_event",
    "retired",
    "status_of",
    "token_rotated",
]


class Account(msgspec.Struct, frozen=True):
    """An account by its lasting name at the service, and its calendar as it was first known here, whatever the address is by now."""

    account_id: str
    calendar: Calendar


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A grant whose tokens we hold, sealed.

    `usable` turns False when the service calls it dead. `removing`: of a retiring grant, whether upcoming events shall go before its tokens
    are forgotten; otherwise they are forgotten at once. `account`: None where it is not known.
    """

    service: Service
    email: str
    grant_id: str
    sealed_refresh_token: str
    connected_at: datetime
    usable: bool = True
    removing: bool = True
    reason: str | None = None
    account: Account | None = None

    @property
    def calendar(self) -> Calendar:
        return self.account.calendar if self.account is not None else Calendar(self.service, self.email.casefold())

    def __repr__(self) -> str:
        return f"Held({self.service.value}, grant_id={self.grant_id!r}, usable={self.usable})"


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """`current`: the grant in force. `retiring`: grants kept only until the upcoming events made with them are off their calendar.

    `last`: what the newest event was about, so that a repeat is known as one. `accounts`: all that were ever connected and are known.
    """

    provider_id: str
    current: Held | None = None
    retiring: tuple[Held, ...] = ()
    last_grant_id: str | None = None
    last_changed_at: datetime | None = None
    accounts: tuple[Account, ...] = ()

    @property
    def grants(self) -> tuple[Held, ...]:
        """Every grant whose tokens we hold, the one in force first."""
        return self.retiring if self.current is None else (self.current, *self.retiring)


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


encode_connection_row = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(Connection)


def decode_connection_row(row: bytes) -> Connection:
    return _decoder.decode(row)


class _Change(msgspec.Struct):
    last_changed_at: datetime | None = None


_change = msgspec.json.Decoder(_Change)


def is_newer_connection(row: bytes, other: bytes) -> bool:
    """Whether a row has heard of a later grant, or end of one, than another of the same provider. Raises msgspec.DecodeError."""
    at, other_at = _change.decode(row).last_changed_at, _change.decode(other).last_changed_at
    return at is not None and (other_at is None or at > other_at)


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


def closing(connection: Connection) -> tuple[Held, ...]:
    """Retiring grants whose tokens are to be forgotten at once."""
    return tuple(grant for grant in connection.retiring if not grant.removing)


def _is_older(connection: Connection, at: datetime) -> bool:
    return connection.last_changed_at is not None and at < connection.last_changed_at


def retired(connection: Connection, grant_id: str) -> Connection:
    """The row after a retiring grant was forgotten."""
    rest = tuple(grant for grant in connection.retiring if grant.grant_id != grant_id)
    return msgspec.structs.replace(connection, retiring=rest)


def grant_died(connection: Connection, grant_id: str, reason: str) -> Connection:
    """The row after the service called a grant dead; the same row where that is known or the grant is not in force."""
    current = connection.current
    if current is not None and current.grant_id == grant_id:
        if not current.usable:
            return connection
        return msgspec.structs.replace(connection, current=msgspec.structs.replace(current, usable=False, reason=reason))
    if any(grant.grant_id == grant_id for grant in connection.retiring):
        return retired(connection, grant_id)
    return connection


def token_rotated(connection: Connection, grant_id: str, sealed_refresh_token: str) -> Connection:
    """The row after the service gave a grant a new refresh token."""

    def renew(grant: Held) -> Held:
        if grant.grant_id != grant_id:
            return grant
        return msgspec.structs.replace(grant, sealed_refresh_token=sealed_refresh_token)

    current = renew(connection.current) if connection.current is not None else None
    return msgspec.structs.replace(connection, current=current, retiring=tuple(map(renew, connection.retiring)))


def status_of(connection: Connection, shown: Held, at: datetime) -> ConnectionStatus:
    """What the portal shows after a change; `shown` is the grant that it is about. No token."""
    return ConnectionStatus(
        provider_id=connection.provider_id,
        grant_id=shown.grant_id,
        service=shown.service,
        email=shown.email,
        state=_state(connection, shown),
        connected_at=shown.connected_at,
        changed_at=at,
        reason=shown.reason,
    )


def _state(connection: Connection, shown: Held) -> ConnectionState:
    if connection.current is not None and connection.current.grant_id == shown.grant_id:
        return ConnectionState.CONNECTED if shown.usable else ConnectionState.NEEDS_RECONNECT
    if any(grant.grant_id == shown.grant_id and grant.removing for grant in connection.retiring):
        return ConnectionState.DISCONNECTING
    return ConnectionState.DISCONNECTED
