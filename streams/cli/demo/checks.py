"""Claims, each polled until it holds or its deadline is over."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from streams.cli.errors import CommandError

__all__ = ["Checker", "Claim", "ClaimFailedError", "NotYetError", "Probe", "Seen", "Verified"]

_PAUSE = 0.05


class NotYetError(Exception):
    """A probe saw something else; `str(error)` tells what."""


class ClaimFailedError(CommandError):
    """A claim did not hold in time."""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """`text`: what shall be so. `how`: how that is verified. `within`: seconds."""

    text: str
    how: str
    within: float = 60.0


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What a probe saw, and why it is so; a line each."""

    what: str
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class Verified:
    """`failure`: why the claim does not hold, None where it does."""

    claim: Claim
    seconds: float
    seen: Seen | None = None
    failure: str | None = None


Probe = Callable[[], Awaitable[Seen]]


class Watcher(Protocol):
    """Who is told of each claim as it is taken up and when it is decided."""

    def checking(self, claim: Claim) -> None: ...
    def decided(self, verified: Verified) -> None: ...


class Checker:
    """`require_alive` raises CommandError when nothing can be true any more, since a process ended."""

    def __init__(self, watcher: Watcher, require_alive: Callable[[], None]) -> None:
        self._watcher = watcher
        self._require_alive = require_alive
        self.verified: list[Verified] = []

    async def verify(self, claim: Claim, probe: Probe) -> None:
        """Raises ClaimFailedError, and what `require_alive` raises."""
        self._watcher.checking(claim)
        started = time.monotonic()
        try:
            seen = await self._until(claim, probe, started + claim.within)
        except CommandError as error:
            self._decide(Verified(claim=claim, seconds=time.monotonic() - started, failure=str(error)))
            raise
        self._decide(Verified(claim=claim, seconds=time.monotonic() - started, seen=seen))

    async def _until(self, claim: Claim, probe: Probe, deadline: float) -> Seen:
        while True:
            self._require_alive()
            try:
                return await probe()
            except NotYetError as error:
                if time.monotonic() >= deadline:
                    raise ClaimFailedError(f"{claim.text}: not so after {claim.within:.0f} s; seen: {error}") from None
            await asyncio.sleep(_PAUSE)

    def _decide(self, verified: Verified) -> None:
        self.verified.append(verified)
        self._watcher.decided(verified)
