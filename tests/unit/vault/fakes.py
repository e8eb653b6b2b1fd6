"""A token endpoint, a table and a clock that tests hold in their hands."""

import asyncio
from datetime import UTC, datetime, timedelta

from adapters.ports import TokenSet
from adapters.vault.seal import ConnectionAad, KeyRing
from adapters.vault.tokens import Grant, TokenKeeper
from schemas.connections import Service

RING = KeyRing([("k1", bytes(32))])
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LIFE = timedelta(hours=1)


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def forward(self, by: timedelta) -> None:
        self.now += by


class FakeTokenEndpoint:
    """Answers `access-<n>`, and `refresh-<n>` where it rotates. Waits at `gate` when one is set; raises what is in `failures` first."""

    def __init__(self, service: Service = Service.MICROSOFT) -> None:
        self.service = service
        self.rotates = False
        self.life = LIFE
        self.gate: asyncio.Event | asyncio.Barrier | None = None
        self.entered = asyncio.Event()
        self.failures: list[Exception] = []
        self.seen: list[str] = []

    async def refresh(self, refresh_token: str, now: datetime) -> TokenSet:
        self.seen.append(refresh_token)
        number = len(self.seen)
        self.entered.set()
        if self.gate is not None:
            await self.gate.wait()
        if self.failures:
            raise self.failures.pop(0)
        rotated = f"refresh-{number}" if self.rotates else None
        return TokenSet(access_token=f"access-{number}", expires_at=now + self.life, refresh_token=rotated)

    async def revoke(self, refresh_token: str) -> bool:
        return True

    async def close(self) -> None:
        return None


class Table:
    """Where rotated tokens are saved. Waits at `gate` when one is set; raises what is in `failures` first."""

    def __init__(self) -> None:
        self.saved: list[str] = []
        self.failures: list[Exception] = []
        self.gate: asyncio.Event | None = None
        self.entered = asyncio.Event()

    async def save(self, grant: Grant, sealed_refresh_token: str) -> None:
        self.entered.set()
        if self.gate is not None:
            await self.gate.wait()
        if self.failures:
            raise self.failures.pop(0)
        self.saved.append(RING.open(sealed_refresh_token, grant.aad))


class Setup:
    """A keeper over the fakes, and a grant whose refresh token is `refresh-0`."""

    def __init__(self) -> None:
        self.endpoint = FakeTokenEndpoint()
        self.table = Table()
        self.clock = Clock()
        self.observed: list[str] = []
        self.keeper = TokenKeeper(
            ring=RING,
            ports={Service.MICROSOFT: self.endpoint},
            save=self.table.save,
            clock=self.clock,
            observe=lambda _service, result: self.observed.append(result),
        )
        self.grant = self.grant_of("refresh-0")

    def grant_of(self, refresh_token: str, *, provider_id: str = "prov-1", service: Service = Service.MICROSOFT) -> Grant:
        aad = ConnectionAad(provider_id=provider_id, service=service, grant_id="grant-1")
        sealed = RING.seal(refresh_token, aad)
        return Grant(provider_id=provider_id, service=service, grant_id="grant-1", sealed_refresh_token=sealed)
