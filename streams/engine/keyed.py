"""Work in order per key, at most so many at once per group, hundreds in parallel over all."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

__all__ = ["KeyedExecutor"]

Item = TypeVar("Item")


class KeyedExecutor(Generic[Item]):
    """`run(key, items)` gets everything that waits for a key at once, so a burst collapses; never twice at a time for one key.

    At most `per_group` keys of a group (a mailbox) run at once, and `parallel` over all.
    """

    def __init__(self, run: Callable[[Hashable, list[Item]], Awaitable[None]], *, parallel: int, per_group: int) -> None:
        self._run = run
        self._slots = asyncio.Semaphore(parallel)
        self._per_group = per_group
        self._waiting: dict[Hashable, deque[Item]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._group_running: dict[Hashable, int] = {}
        self._group_queue: dict[Hashable, deque[Hashable]] = {}
        self._closing = False

    @property
    def in_flight(self) -> int:
        """Keys that run or wait for a slot."""
        return len(self._tasks)

    def submit(self, key: Hashable, group: Hashable, item: Item) -> None:
        """Queue an item. While draining it is dropped: what it came from was not committed."""
        if self._closing:
            return
        waiting = self._waiting.get(key)
        if waiting is not None:
            waiting.append(item)
            return
        self._waiting[key] = deque((item,))
        if self._group_running.get(group, 0) < self._per_group:
            self._start(key, group)
        else:
            self._group_queue.setdefault(group, deque()).append(key)

    def _start(self, key: Hashable, group: Hashable) -> None:
        self._group_running[group] = self._group_running.get(group, 0) + 1
        task = asyncio.create_task(self._work(key, group))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work(self, key: Hashable, group: Hashable) -> None:
        try:
            waiting = self._waiting[key]
            while waiting and not self._closing:
                async with self._slots:
                    await self._run_all(key, waiting)
        finally:
            self._waiting.pop(key, None)
            self._next_of(group)

    async def _run_all(self, key: Hashable, waiting: deque[Item]) -> None:
        """Nothing, when draining began while it waited for its slot."""
        if not self._closing:
            items = list(waiting)
            waiting.clear()
            await self._run(key, items)

    def _next_of(self, group: Hashable) -> None:
        running = self._group_running[group] - 1
        if running:
            self._group_running[group] = running
        else:
            del self._group_running[group]
        queue = self._group_queue.get(group)
        if queue and not self._closing:
            self._start(queue.popleft(), group)
        if queue is not None and not queue:
            del self._group_queue[group]

    async def drain(self, timeout: float) -> int:
        """Start nothing more, wait for what runs, then cancel what still does (how many). Afterwards items are taken again."""
        self._closing = True
        try:
            self._group_queue.clear()
            tasks = set(self._tasks)
            late: set[asyncio.Task[None]] = set()
            if tasks:
                _, late = await asyncio.wait(tasks, timeout=timeout)
                for task in late:
                    task.cancel()
                if late:
                    await asyncio.wait(late)
            self._waiting.clear()
            self._group_running.clear()
            return len(late)
        finally:
            self._closing = False
