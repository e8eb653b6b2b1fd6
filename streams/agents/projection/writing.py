"""Writes what was folded, a batch at a time, while the next is folded: under a backlog batches grow, otherwise nothing waits."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime

from adapters.read_model.store import ReadModelStore
from streams.agents.projection.folder import Folded, Folder

__all__ = ["BatchWriter"]


class BatchWriter:
    """Fold into `pending`, then `submit`. What a write raises comes out of the next call here; nothing is written after it."""

    def __init__(self, store: ReadModelStore, folder: Folder, wrote: Callable[[Mapping[tuple[str, str], int]], None], most: int) -> None:
        """`wrote` gets the counts of each batch. `most`: records that may wait for the write under way."""
        self.pending = Folded()
        self._store = store
        self._folder = folder
        self._wrote = wrote
        self._most = most
        self._as_of: datetime | None = None
        self._task: asyncio.Task[None] | None = None
        self._begun = asyncio.Event()

    async def submit(self, as_of: datetime | None) -> None:
        """Returns at once, unless too much waits already: then when the write under way is over, and what waits is being written."""
        self._as_of = as_of
        while self.pending.records >= self._most and self._task is not None and not self._task.done():
            await self._next(self._task)
        if self._task is None or self._task.done():
            await self.drain()
            self._task = asyncio.create_task(self._write_all())

    async def drain(self) -> None:
        """Until everything submitted is written."""
        if self._task is not None:
            task, self._task = self._task, None
            await task

    async def close(self) -> None:
        """Let the write under way end; what it raises is not raised here."""
        if self._task is not None:
            await asyncio.wait({self._task})

    async def _next(self, task: asyncio.Task[None]) -> None:
        """Until another batch is begun, or the task ends."""
        self._begun.clear()
        begun = asyncio.create_task(self._begun.wait())
        await asyncio.wait({task, begun}, return_when=asyncio.FIRST_COMPLETED)
        begun.cancel()

    async def _write_all(self) -> None:
        while self.pending.records:
            folded, self.pending = self.pending, Folded()
            self._begun.set()
            self._folder.seal(folded)
            await self._store.write(folded.batch, folded.positions, self._as_of)
            self._wrote(folded.counts)
