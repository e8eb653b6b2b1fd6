"""Access tokens of the connections, kept in memory only, refreshed ahead of their expiry and once for all who ask.

A rotated refresh token is saved, confirmed, before anyone gets the access token that came with it: a worker killed between the two could
otherwise be left with a refresh token that the service has already replaced.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from adapters.errors import CalendarError, LocalCode, Misconfigured, Retryable, not_configured
from adapters.ports import TokenPort
from adapters.vault.freshness import REFRESH_AHEAD, CachedToken
from adapters.vault.held import HeldGrant
from adapters.vault.seal import ConnectionAad, KeyRing, Tampered, UnknownKey
from schemas.connections import Service

__all__ = ["Grant", "ObserveRefresh", "SaveRotated", "TokenKeeper"]


@dataclass(frozen=True, kw_only=True)
class Grant:
    """One connection as the table holds it. `sealed_refresh_token` is a vault envelope, never a token in clear."""

    provider_id: str
    service: Service
    grant_id: str
    sealed_refresh_token: str = field(repr=False)

    @property
    def key(self) -> tuple[str, str]:
        return self.provider_id, self.grant_id

    @property
    def aad(self) -> ConnectionAad:
        return ConnectionAad(provider_id=self.provider_id, service=self.service, grant_id=self.grant_id)


#: `save(grant, sealed_refresh_token)`: returns once the rotated token is stored for good; raises when it may not be.
SaveRotated = Callable[[Grant, str], Awaitable[None]]

#: `observe(service, result)`: for metrics. `result` is `refreshed`, `rotated`, `postponed` (it failed, the old token still serves), or the
#: name of the class of the error that was raised.
ObserveRefresh = Callable[[Service, str], None]


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _unobserved(_service: Service, _result: str) -> None:
    """The default observer: nobody counts."""


class TokenKeeper:
    """Access tokens by connection. One keeper a process, used from one event loop.

    Not persistent: after a restart the newest sealed refresh token comes with the caller's Grant, read from the table where `save` put it.
    """

    def __init__(
        self,
        *,
        ring: KeyRing,
        ports: Mapping[Service, TokenPort],
        save: SaveRotated,
        clock: Callable[[], datetime] = _utc_now,
        ahead: timedelta = REFRESH_AHEAD,
        observe: ObserveRefresh = _unobserved,
    ) -> None:
        """`clock` gives the time in UTC. `ahead`: how long before its expiry a token is replaced, at least."""
        self._ring = ring
        self._ports = ports
        self._save = save
        self._clock = clock
        self._ahead = ahead
        self._observe = observe
        self._held: dict[tuple[str, str], HeldGrant] = {}
        self._flights: set[asyncio.Task[CachedToken]] = set()

    def __repr__(self) -> str:
        return f"TokenKeeper(connections={len(self._held)}, refreshing={len(self._flights)})"

    async def access_token(self, grant: Grant) -> str:
        """A bearer token that is good for a while.

        Callers of one connection share one refresh; one that is cancelled leaves it running for the others. Raises what the TokenPort
        raises, to each of them, and what `save` raises; nothing of a failure is kept, so the next call tries again.
        A sealed token that does not open raises Misconfigured: its key is not in the ring, or is another one under the same id, which
        looks as if the token had been changed. No provider can mend that. A refresh overtaken by `forget` raises Retryable.
        """
        held = self._held.get(grant.key)
        if held is None:
            held = self._held[grant.key] = HeldGrant(grant.sealed_refresh_token)
        held.learn(grant.sealed_refresh_token)
        if held.cached is not None and not held.unsaved and held.cached.is_fresh(self._clock()):
            return held.cached.access_token
        if held.flight is None:
            held.flight = self._start(grant, held)
        return (await asyncio.shield(held.flight)).access_token

    def invalidate(self, grant: Grant, access_token: str) -> None:
        """The service did not take this token (401): the next call refreshes. Nothing happens when another token is kept by now."""
        held = self._held.get(grant.key)
        if held is not None and held.cached is not None and held.cached.access_token == access_token:
            held.cached = None

    def forget(self, provider_id: str, grant_id: str) -> None:
        """Drop every token of a connection. A refresh that is still running saves nothing any more. Idempotent."""
        self._held.pop((provider_id, grant_id), None)

    async def close(self) -> None:
        """Let the running refreshes end, so that no rotated token is lost on a clean stop. Bounded by the ports' time-outs. Idempotent."""
        while self._flights:
            await asyncio.wait(self._flights)

    def _start(self, grant: Grant, held: HeldGrant) -> asyncio.Task[CachedToken]:
        flight = asyncio.create_task(self._refresh_and_save(grant, held), name="token-refresh")
        self._flights.add(flight)

        def landed(task: asyncio.Task[CachedToken]) -> None:
            self._flights.discard(task)
            held.flight = None
            if not task.cancelled():
                task.exception()  # seen by every waiter; when all of them were cancelled, nobody is left to be told

        flight.add_done_callback(landed)
        return flight

    async def _refresh_and_save(self, grant: Grant, held: HeldGrant) -> CachedToken:
        try:
            cached = held.cached
            if cached is None or not cached.is_fresh(self._clock()):
                cached = held.cached = await self._refresh(grant, held)
            await self._save_rotated(grant, held)
        except Exception as error:
            self._observe(grant.service, type(error).__name__)
            raise
        return cached

    async def _refresh(self, grant: Grant, held: HeldGrant) -> CachedToken:
        refresh_token = self._open(grant, held)
        now = self._clock()
        try:
            answer = await self._port(grant.service).refresh(refresh_token, now)
        except Retryable as error:
            if held.cached is None or not held.cached.outlives_failure(now, error.retry_after):
                raise
            self._observe(grant.service, "postponed")
            return held.cached.postponed(now, error.retry_after)
        self._check_held(grant, held)
        result = "refreshed"
        if answer.refresh_token is not None and answer.refresh_token != refresh_token:
            held.rotate(self._ring.seal(answer.refresh_token, grant.aad))
            result = "rotated"
        self._observe(grant.service, result)
        return CachedToken.of(answer, now=now, ahead=self._ahead, key=grant.key)

    async def _save_rotated(self, grant: Grant, held: HeldGrant) -> None:
        while held.unsaved:
            self._check_held(grant, held)
            sealed = held.newest
            await self._save(grant, sealed)
            held.saved(sealed)
        self._check_held(grant, held)

    def _check_held(self, grant: Grant, held: HeldGrant) -> None:
        if self._held.get(grant.key) is not held:
            raise Retryable(
                grant.service, LocalCode.CONNECTION_FORGOTTEN, detail="the connection was forgotten while its token was refreshed"
            )

    def _port(self, service: Service) -> TokenPort:
        port = self._ports.get(service)
        if port is None:
            raise not_configured(service)
        return port

    def _open(self, grant: Grant, held: HeldGrant) -> str:
        failure: CalendarError
        try:
            return self._ring.open(held.newest, grant.aad)
        except UnknownKey as error:
            failure = Misconfigured(grant.service, LocalCode.VAULT_KEY_UNKNOWN, detail=str(error))
        except Tampered as error:
            failure = Misconfigured(grant.service, LocalCode.SEALED_TOKEN_UNREADABLE, detail=str(error))
        raise failure
