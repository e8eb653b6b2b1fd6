"""What the token keeper holds of one connection: the newest sealed refresh token, and the access token made with it."""

import asyncio
from collections import deque

from adapters.vault.freshness import CachedToken

__all__ = ["HeldGrant"]

#: A caller is at most a few rotations behind: it reads the table to which every rotation is saved.
_REMEMBERED = 16


class HeldGrant:
    """Mutable, owned by the keeper. Holds no refresh token in clear.

    A sealed token that was replaced here is old news when a caller brings it again; one never seen here is news: the connection's
    partition was with another worker for a while, which rotated the token.
    """

    def __init__(self, sealed_refresh_token: str) -> None:
        self.newest = sealed_refresh_token
        #: `newest` was rotated here and is not known to be stored.
        self.unsaved = False
        self.cached: CachedToken | None = None
        self.flight: asyncio.Task[CachedToken] | None = None
        self._replaced: deque[str] = deque(maxlen=_REMEMBERED)

    def __repr__(self) -> str:
        return f"HeldGrant(cached={self.cached!r}, unsaved={self.unsaved}, refreshing={self.flight is not None})"

    def learn(self, sealed_refresh_token: str) -> None:
        """Take what a caller brought, unless it is old news."""
        if sealed_refresh_token != self.newest and sealed_refresh_token not in self._replaced:
            self._replace(sealed_refresh_token)
            self.unsaved = False

    def rotate(self, sealed_refresh_token: str) -> None:
        """The service replaced the refresh token; the new one has to be saved."""
        self._replace(sealed_refresh_token)
        self.unsaved = True

    def saved(self, sealed_refresh_token: str) -> None:
        """`sealed_refresh_token` is stored."""
        if sealed_refresh_token == self.newest:
            self.unsaved = False

    def _replace(self, sealed_refresh_token: str) -> None:
        self._replaced.append(self.newest)
        self.newest = sealed_refresh_token
