"""Trying again, later and later, until told to stop."""

import asyncio
import contextlib
import time
from collections.abc import Callable

__all__ = ["BackOff", "rest"]


class BackOff:
    """Each pause is twice as long as the one before, up to `longest` seconds. A try that went on for longer than that begins them anew."""

    def __init__(self, first: float = 0.5, longest: float = 30.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._first = first
        self._longest = longest
        self._clock = clock
        self._next = first
        self._began = clock()

    def begin(self) -> None:
        """A try begins."""
        self._began = self._clock()

    def pause(self) -> float:
        """It failed: so many seconds are to pass before the next."""
        pause = self._first if self._clock() - self._began > self._longest else self._next
        self._next = min(pause * 2, self._longest)
        return pause


async def rest(stopping: asyncio.Event, seconds: float) -> None:
    """Returns after so long, or as soon as `stopping` is set."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stopping.wait(), seconds)
