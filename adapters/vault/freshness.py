"""How long an access token is used: replaced ahead of its expiry, spread over the connections, kept a while when the service fails."""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Self

from adapters.ports import TokenSet

__all__ = ["REFRESH_AHEAD", "CachedToken"]

#: A token is replaced this long before its expiry at least, at most twice this; never before half of its life.
REFRESH_AHEAD = timedelta(minutes=5)

#: A token with less than this left is not handed out once its refresh has failed: a call takes time, and clocks differ.
LAST_RESORT = timedelta(minutes=1)

#: After a failed early refresh the next one waits this long, or as long as the service asked for.
POSTPONE = timedelta(seconds=15)


@dataclass(frozen=True, kw_only=True)
class CachedToken:
    """An access token in memory. `refresh_at`: from then on it is replaced before it is handed out."""

    access_token: str = field(repr=False)
    refresh_at: datetime
    expires_at: datetime

    @classmethod
    def of(cls, answer: TokenSet, *, now: datetime, ahead: timedelta, key: tuple[str, str]) -> Self:
        """`now`: when it was asked for. `key`: the connection, whose hash spreads the refreshes of tokens that were made together."""
        life = max(answer.expires_at - now, timedelta(0))
        early = min(ahead * (1 + _fraction(key)), life / 2)
        return cls(access_token=answer.access_token, refresh_at=answer.expires_at - early, expires_at=answer.expires_at)

    def is_fresh(self, now: datetime) -> bool:
        return now < self.refresh_at

    def outlives_failure(self, now: datetime, retry_after: float | None) -> bool:
        """Whether the token still serves until a postponed refresh."""
        return now + _pause(retry_after) + LAST_RESORT <= self.expires_at

    def postponed(self, now: datetime, retry_after: float | None) -> Self:
        """The same token, its refresh put off: a token endpoint that fails for a moment stops no calendar."""
        return replace(self, refresh_at=now + _pause(retry_after))


def _pause(retry_after: float | None) -> timedelta:
    return max(POSTPONE, timedelta(seconds=retry_after or 0))


def _fraction(key: tuple[str, str]) -> float:
    """From 0 to 1, the same for the same connection in every process."""
    digest = hashlib.sha256("\0".join(key).encode()).digest()
    return int.from_bytes(digest[:4], "big") / 2**32
