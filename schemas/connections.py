"""Connections: one provider's OAuth2 grant to one calendar service, and what the portal shows of it.

`calendar.connections.v1` carries ConnectionGranted / ConnectionRevoked, tokens sealed; `calendar.connection-status.v1` carries
ConnectionStatus, no token ever.
"""

from datetime import datetime
from enum import Enum
from typing import Annotated

import msgspec

from schemas.events import Identifier

__all__ = ["ConnectionEvent", "ConnectionGranted", "ConnectionRevoked", "ConnectionState", "ConnectionStatus", "Service"]


#: With an offset: grants and ends of grants are put in order by these.
Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class Service(Enum):
    """A calendar service. Never called a provider: that is the member of staff."""

    GOOGLE = "google"
    MICROSOFT = "microsoft"


class ConnectionGranted(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="connection.granted"):
    """A provider granted access. A new grant has a new `grant_id`.

    `sealed_refresh_token` is a vault envelope (see adapters/vault), never a token in clear. `account_id` is what the service calls the
    account for good (`sub` of its id token), where that is known: an address may be given to another account, an account another address.
    """

    provider_id: Identifier
    grant_id: Identifier
    service: Service
    email: str
    sealed_refresh_token: str
    scopes: tuple[str, ...]
    connected_at: Instant
    account_id: Identifier | None = None


class ConnectionRevoked(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="connection.revoked"):
    """The provider disconnected. `remove_events`: take upcoming events off the calendar first."""

    provider_id: Identifier
    grant_id: Identifier
    revoked_at: Instant
    remove_events: bool = False


ConnectionEvent = ConnectionGranted | ConnectionRevoked


class ConnectionState(Enum):
    CONNECTED = "connected"
    #: The grant no longer works (`invalid_grant`); the provider has to connect again.
    NEEDS_RECONNECT = "needs_reconnect"
    #: Upcoming events are being removed, then the tokens are forgotten.
    DISCONNECTING = "disconnecting"
    DISCONNECTED = "disconnected"


class ConnectionStatus(msgspec.Struct, frozen=True, kw_only=True):
    provider_id: str
    grant_id: str
    service: Service
    email: str
    state: ConnectionState
    connected_at: datetime
    changed_at: datetime
    reason: str | None = None
