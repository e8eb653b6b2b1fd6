"""Waiting for something outside this process to become true, with a message that tells what was waited for."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

__all__ = ["eventually", "eventually_sync"]

T = TypeVar("T")

#: Seconds between two looks; after a look that took long, twice as long as it took, so that looking takes a third of a processor at most.
_PAUSE, _LONGEST_PAUSE = 0.05, 0.5


async def eventually(probe: Callable[[], Awaitable[T]], *, what: str, timeout: float = 60.0) -> T:
    """The probe's first true value. AssertionError after `timeout` seconds, with the last value seen.

    An AssertionError raised by the probe counts as not yet; its text ends up in the message.
    """
    deadline = time.monotonic() + timeout
    seen: object = None
    while (began := time.monotonic()) < deadline:
        try:
            value = await probe()
        except AssertionError as error:
            seen = error
        else:
            if value:
                return value
            seen = value
        took = time.monotonic() - began
        await asyncio.sleep(min(max(_PAUSE, took * 2), _LONGEST_PAUSE))
    raise AssertionError(f"waited {timeout:.0f} s in vain for {what}; last seen: {seen!r}")


def eventually_sync(probe: Callable[[], T], *, what: str, timeout: float = 60.0) -> T:
    """The same for tests without an event loop."""

    async def ask() -> T:
        return probe()

    return asyncio.run(eventually(ask, what=what, timeout=timeout))
