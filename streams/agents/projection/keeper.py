"""The read model's writer as a long-lived thing: sessions one after another, standing by while another process writes, until a stop."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from aiokafka.errors import KafkaError
from sqlalchemy.exc import DataError as BadDataError
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError

from adapters.read_model.store import LostWriterError, Positions, ReadModelStore
from streams.agents.projection.folder import Folder
from streams.agents.projection.session import Policy, Session, Watcher
from streams.engine.backoff import BackOff, rest
from streams.engine.health import StalledError
from streams.engine.projection_source import ProjectionSource
from streams.metrics import ProjectionMetrics

__all__ = ["Keeper"]

log = logging.getLogger(__name__)

#: The writer's row stands still for so long: its process is gone. Several times Policy.beat, and longer than a batch takes to write.
_SILENCE = 15.0
_BETWEEN_LOOKS = 1.0


class Keeper:
    """`source` makes a source that reads from the positions given. `prepare` brings the database to its schema; it may be called often."""

    def __init__(
        self,
        *,
        store: ReadModelStore,
        source: Callable[[Positions], ProjectionSource],
        folder: Callable[[], Folder],
        prepare: Callable[[], Any],
        metrics: ProjectionMetrics,
        policy: Policy,
        watcher: Watcher,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._source = source
        self._folder = folder
        self._prepare = prepare
        self._metrics = metrics
        self._policy = policy
        self._watcher = watcher
        self._clock = clock
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Let `run` return soon. Safe to call from a signal handler of the loop; idempotent."""
        self._stopping.set()

    async def run(self) -> None:
        """Returns after `stop`. Outlives failures of the brokers and of the database; any other error is a bug and is raised."""
        back_off = BackOff(clock=self._clock)
        while not self._stopping.is_set():
            back_off.begin()
            try:
                await self._session()
            except LostWriterError:
                log.warning("another process writes the read model now; this one stands by")
                self._metrics.writes(False)
                await self._outlived(self._stand_by)
                continue
            except (KafkaError, StalledError, DBAPIError, OSError) as error:
                self._failed(error)
                pause = back_off.pause()
                log.warning("the read model begins anew in %.1f s: %s: %s", pause, type(error).__name__, _say(error))
                await rest(self._stopping, pause)

    async def rebuild(self) -> bool:
        """Drop everything, read it anew to where the topics end now, and leave the place to others. False when it was stopped before.

        Raises whatever fails: calling it again begins anew.
        """
        await self._prepare()
        await self._store.take_over()
        await self._store.clear()
        async with self._source({}) as source:
            ends = await source.ends()
            done = await self._made(source).run_to(ends, self._stopping)
        await self._store.release()
        return done

    async def _session(self) -> None:
        await self._prepare()
        positions = await self._store.take_over()
        async with self._source(positions) as source:
            _warn_of_shorter_topics(positions, await source.ends())
            self._metrics.writes(True)
            log.info("writing the read model", extra={"partitions": len(positions)})
            await self._made(source).run(self._stopping)
        self._metrics.writes(False)
        await self._store.release()

    def _made(self, source: ProjectionSource) -> Session:
        return Session(
            store=self._store, source=source, folder=self._folder(), metrics=self._metrics, policy=self._policy, watcher=self._watcher
        )

    async def _stand_by(self) -> None:
        """Returns when nobody writes any more."""
        seen, since = await self._store.pulse(), self._clock()
        while not self._stopping.is_set():
            await rest(self._stopping, _BETWEEN_LOOKS)
            self._watcher.progressed({})
            pulse = await self._store.pulse()
            if pulse.writer is None or (pulse == seen and self._clock() - since > _SILENCE):
                return
            if pulse != seen:
                seen, since = pulse, self._clock()

    async def _outlived(self, work: Callable[[], Any]) -> None:
        """A failure here is met again, and waited out, by the next session."""
        try:
            await work()
        except (DBAPIError, OSError) as error:
            self._failed(error)

    def _failed(self, error: BaseException) -> None:
        if isinstance(error, (ProgrammingError, IntegrityError, BadDataError)):
            raise error  # what we asked is wrong, and would be again
        self._metrics.writes(False)
        self._metrics.restarted(type(error).__name__)


def _warn_of_shorter_topics(positions: Positions, ends: Mapping[tuple[str, int], int]) -> None:
    shorter = sorted({topic for (topic, partition), at in positions.items() if at > ends.get((topic, partition), at)})
    if shorter:
        log.error(
            "topics are shorter than what was read of them; were they made anew? Run `read-model --rebuild`", extra={"topics": shorter}
        )


def _say(error: BaseException) -> str:
    """Without the statement and its parameters, which SQLAlchemy's own text repeats."""
    return str(error.orig) if isinstance(error, DBAPIError) else str(error)
