"""Writes that go out one behind the other, in the order in which they were begun, while their confirmations overlap."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

__all__ = ["Turn", "WriteChain"]


class Turn:
    """A write's place in the chain."""

    def __init__(self, before: "Turn | None") -> None:
        self._before = before
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def come(self) -> None:
        """Until everything before is on its way; raises what kept it from that."""
        if self._before is not None:
            await self._before._over
            self._before = None

    def pass_on(self) -> None:
        """The rows of this write are on their way."""
        self._over.set_result(None)

    def break_off(self, error: BaseException) -> None:
        """They never will be: nothing that comes after may be written."""
        if not self._over.done():
            self._over.set_exception(error)
            self._over.exception()


class WriteChain:
    def __init__(self) -> None:
        self._last: Turn | None = None
        self._unfinished: set[asyncio.Task[None]] = set()

    def begin(self, write: Callable[[Turn], Coroutine[Any, Any, None]]) -> asyncio.Task[None]:
        """Begin a write behind all before. It has to pass its turn on, or to break the chain off."""
        self._last = turn = Turn(self._last)
        task = asyncio.create_task(write(turn))
        self._unfinished.add(task)
        task.add_done_callback(self._unfinished.discard)
        return task

    async def settle(self) -> None:
        """Until every write that was begun has ended."""
        while self._unfinished:
            await asyncio.wait(set(self._unfinished))

    def reset(self) -> None:
        """The next write waits for none before."""
        self._last = None
