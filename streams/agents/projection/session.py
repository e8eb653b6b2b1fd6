"""One session of the read model's writer: from taking over until it is told to stop, loses the writer's place, or something fails."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from adapters.read_model.store import ReadModelStore
from streams.agents.projection.folder import Folder
from streams.agents.projection.writing import BatchWriter
from streams.domain.forgetting import is_forgotten
from streams.domain.state import decode_state
from streams.engine.projection_source import Place, ProjectionSource
from streams.metrics import ProjectionMetrics

__all__ = ["Policy", "Session", "Watcher"]

#: Records folded before others of the loop have their turn.
_SLICE = 250


@dataclass(frozen=True, kw_only=True)
class Policy:
    """`cache`: states of classes held in memory. `waiting`: records folded and not being written yet, at most.

    `beat`: seconds between signs of life of an idle writer. `forget_every`: seconds between two steps of forgetting, of at most
    `forget_step` classes; at once again while there are more.
    """

    cache: int = 100_000
    waiting: int = 40_000
    beat: float = 1.0
    forget_every: float = 600.0
    forget_step: int = 500
    forget_after_days: int = 30


class Watcher(Protocol):
    """Who wants to know how far it is."""

    def progressed(self, left: Mapping[Place, int]) -> None:
        """Often. `left`: records still to be read, by partition; empty while that is not known."""


class Session:
    """`store`: this process is its writer. Raises LostWriterError, SQLAlchemy's and aiokafka's errors, StalledError."""

    def __init__(
        self,
        *,
        store: ReadModelStore,
        source: ProjectionSource,
        folder: Folder,
        metrics: ProjectionMetrics,
        policy: Policy,
        watcher: Watcher,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._source = source
        self._folder = folder
        self._metrics = metrics
        self._policy = policy
        self._watcher = watcher
        self._now = now
        self._clock = clock
        self._writer = BatchWriter(store, folder, metrics.folded, policy.waiting)
        self._beat_at = 0.0
        self._forget_at = 0.0
        self._strays_upto = 0

    async def run(self, stopping: asyncio.Event) -> None:
        """Returns after `stopping` was set, when everything that was read is written."""
        async with self._writes():
            while not stopping.is_set():
                await self._step()
                self._watcher.progressed(self._source.lags())

    async def run_to(self, ends: Mapping[Place, int], stopping: asyncio.Event) -> bool:
        """Until everything before `ends` is written; False when it was stopped before."""
        async with self._writes():
            while not stopping.is_set():
                reached = await self._source.reached()
                left = {place: max(end - reached[place], 0) for place, end in ends.items()}
                self._watcher.progressed(left)
                if not any(left.values()):
                    break
                await self._step()
        await self._store.beat(await self._source.read_upto())
        return not stopping.is_set()

    @contextlib.asynccontextmanager
    async def _writes(self) -> AsyncIterator[None]:
        """The last write ends with the session, however that ends."""
        try:
            yield
            await self._writer.drain()
        finally:
            await self._writer.close()

    async def _step(self) -> None:
        records = await self._source.poll()
        if records:
            await self._take(records)
        else:
            await self._idle()

    async def _take(self, records: Mapping[Place, Sequence[Any]]) -> None:
        if len(self._folder) > self._policy.cache:
            await self._writer.drain()
            self._folder.forget()
        unknown = self._folder.unknown(records)
        if unknown:
            stored = await self._store.states(unknown)
            self._folder.learn(dict.fromkeys(unknown) | {key: decode_state(state) for key, state in stored.items()})
        for part in _slices(records):
            self._folder.fold(part, self._writer.pending)
            await asyncio.sleep(0)  # the write under way goes on with its next statement
        await self._writer.submit(await self._source.read_upto())

    async def _idle(self) -> None:
        await self._writer.drain()
        now = self._clock()
        if now >= self._beat_at:
            self._beat_at = now + self._policy.beat
            await self._store.beat(await self._source.read_upto())
        if now >= self._forget_at:
            more = await self._forget()
            self._forget_at = now if more else now + self._policy.forget_every

    async def _forget(self) -> bool:
        """One step; True when there is more to forget."""
        today, days, step = self._now().date(), self._policy.forget_after_days, self._policy.forget_step
        stored = await self._store.old_classes(today - timedelta(days=days), step)
        old = [class_id for class_id, state in stored.items() if is_forgotten(decode_state(state), today, days)]
        strays = [] if old else await self._store.strays(self._strays_upto, step)
        if old or strays:
            await self._store.forget(old + strays)
            self._folder.forget(old)
            self._metrics.forgotten(len(old))
        else:
            self._strays_upto = self._store.seq  # what has no class until the next time never gets one
        return bool(old or strays)


def _slices(records: Mapping[Place, Sequence[Any]]) -> Iterator[dict[Place, Sequence[Any]]]:
    """In order, each folded in a few milliseconds."""
    for place, chunk in records.items():
        for start in range(0, len(chunk), _SLICE):
            yield {place: chunk[start : start + _SLICE]}
