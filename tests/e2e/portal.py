"""Connections as the portal publishes them: the grant's token sealed for this very connection."""

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime

from adapters.vault.seal import ConnectionAad, KeyRing
from schemas.codec import encode
from schemas.connections import ConnectionGranted, ConnectionRevoked, Service
from tests.e2e.sandbox import Account

__all__ = ["Portal", "Provider"]


@dataclass
class Provider:
    """`account`: where the newest grant reaches. `tokens`: every refresh token that was sealed for this provider, in clear."""

    provider_id: str
    account: Account
    grant_id: str | None = None
    tokens: list[str] = field(default_factory=list)

    @property
    def connection(self) -> ConnectionAad:
        """What the newest grant's tokens are sealed for."""
        assert self.grant_id is not None, f"{self.provider_id} never connected"
        return ConnectionAad(provider_id=self.provider_id, service=Service(self.account.service), grant_id=self.grant_id)


class Portal:
    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring

    def granted(self, provider: Provider, token: str, scopes: tuple[str, ...], email: str | None = None) -> bytes:
        """connection.granted of a new grant, which becomes the provider's newest. `email`: another address of the account."""
        provider.grant_id = f"grant-{secrets.token_hex(6)}"
        provider.tokens.append(token)
        connection = provider.connection
        event = ConnectionGranted(
            provider_id=provider.provider_id,
            grant_id=provider.grant_id,
            service=connection.service,
            email=email or provider.account.email,
            sealed_refresh_token=self._ring.seal(token, connection),
            scopes=scopes,
            connected_at=datetime.now(UTC),
        )
        return encode(event)

    def revoked(self, provider: Provider, *, remove_events: bool) -> bytes:
        """connection.revoked of the provider's newest grant."""
        grant_id, now = provider.connection.grant_id, datetime.now(UTC)
        return encode(ConnectionRevoked(provider_id=provider.provider_id, grant_id=grant_id, revoked_at=now, remove_events=remove_events))
