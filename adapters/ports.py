"""The ports: what the execute agent asks of a calendar service and of an OAuth2 token endpoint.

One contract suite (tests/contract) runs over the in-memory fakes and over both real adapters against the simulators.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from schemas.connections import Service
from schemas.intents import CalendarEntry

__all__ = ["CalendarPort", "EventMark", "RemoteEvent", "TokenPort", "TokenSet"]


@dataclass(frozen=True, kw_only=True)
class EventMark:
    """The private mark of a remote event, by which it can be found again.

    Everything a remote id is derived from: Google's event id from (provider, class, generation), Graph's transactionId from
    (grant, class, generation, revision).
    """

    provider_id: str
    class_id: str
    #: Revision of the create; with `generation` and the body it makes the create idempotent.
    revision: int
    generation: int
    grant_id: str


@dataclass(frozen=True, kw_only=True)
class RemoteEvent:
    """A remote event that stands. `revision` and `generation` are read from its mark."""

    remote_id: str
    revision: int
    generation: int


class CalendarPort(Protocol):
    """One calendar service. Every method makes at most one attempt a call, bounded by the adapter's time-out, and retries nothing itself.

    `access_token` is a bearer token in clear: never logged, never put into an error. Raises adapters.errors.CalendarError and nothing else
    for whatever the service answers or fails to answer; asyncio.CancelledError passes through.
    """

    service: Service

    async def create(self, access_token: str, entry: CalendarEntry, mark: EventMark) -> RemoteEvent:
        """Put a new event on the primary calendar.

        Idempotent for the same entry and mark: a repeat gives the event of the first time. Raises AlreadyExists when the derived id was
        used by something else (another body, or an event that was deleted since).
        """
        ...

    async def update(self, access_token: str, remote_id: str, entry: CalendarEntry, mark: EventMark) -> RemoteEvent:
        """Overwrite what this product owns of the event; what the user added (reminders, colour) stays. Idempotent.

        Raises EventGone when the event does not stand any more, also when the service would have accepted the change to a deleted event.
        """
        ...

    async def delete(self, access_token: str, remote_id: str) -> bool:
        """Take the event off the calendar. Idempotent: False when it was gone already."""
        ...

    async def find(self, access_token: str, mark: EventMark) -> RemoteEvent | None:
        """The standing event of this provider, class and generation, by its private mark; None when none stands."""
        ...

    async def close(self) -> None:
        """Release connections. Idempotent."""
        ...


@dataclass(frozen=True, kw_only=True)
class TokenSet:
    """What a token endpoint answered. `refresh_token` is None when the old one stays valid. Both tokens are kept out of repr."""

    access_token: str = field(repr=False)
    expires_at: datetime
    refresh_token: str | None = field(default=None, repr=False)


class TokenPort(Protocol):
    """The OAuth2 token endpoint of one calendar service. Errors as for CalendarPort.

    ReconnectNeeded for `invalid_grant`, Misconfigured for `invalid_client`, `unauthorized_client` and AADSTS7000215/7000222.
    """

    service: Service

    async def refresh(self, refresh_token: str, now: datetime) -> TokenSet:
        """A new access token. The rotated refresh token, if any, has to be saved before the access token is used."""
        ...

    async def revoke(self, refresh_token: str) -> bool:
        """Revoke the grant at the service. False when it was dead already, or where the service has no such endpoint (Microsoft)."""
        ...

    async def close(self) -> None:
        """Release connections. Idempotent."""
        ...
