"""A provider's connection as the execute worker keeps it: pure data, its codec, and how it changes by what the services do."""

from datetime import datetime

import msgspec

from schemas.connections import ConnectionState, ConnectionStatus, Service
from streams.domain.agenda import Calendar

__all__ = [
    "Account",
    "Connection",
    "Held",
    "closing",
    "decode_connection_row",
    "encode_connection_row",
    "grant_died",
    "is_newer_connection",
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


def closing(connection: Connection) -> tuple[Held, ...]:
    """Retiring grants whose tokens are to be forgotten at once."""
    return tuple(grant for grant in connection.retiring if not grant.removing)


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
