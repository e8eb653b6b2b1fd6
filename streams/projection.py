"""The read model's writer: plain aiokafka in, SQL out. One process writes; further ones stand by and take over when it is gone."""

import asyncio
import os
import secrets
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial

import uvloop

from adapters.read_model.engine import writing_engine
from adapters.read_model.migrate import migrate
from adapters.read_model.store import Positions, ReadModelStore
from schemas.access import access_of
from streams.agents.projection.folder import Folder
from streams.agents.projection.keeper import Keeper
from streams.agents.projection.session import Policy, Watcher
from streams.engine.health import Health, HealthServer
from streams.engine.interpreter import settle
from streams.engine.kafka_clients import admin_options, consumer_options
from streams.engine.preflight import wait_for_topics
from streams.engine.projection_source import Place, ProjectionSource
from streams.metrics import LagMetrics, Metrics, make_metrics
from streams.settings import Settings

__all__ = ["ReadModelProgress", "rebuild", "run", "serve"]

#: Records in one batch at most: what a kill reads again, and what stands in memory twice.
MAX_RECORDS = 5_000
#: Seconds for which a thread keeps Python's lock while another wants it: SQLite's thread asks for it between two statements, and the fold
#: is not to keep it waiting for long. Python's own is 5 ms.
_SWITCH_SECONDS = 0.0005
#: A batch is tens of thousands of rows, without a cycle in them.
_YOUNG_OBJECTS = 50_000
_PARTITION_FETCH_BYTES = 4 * 1024 * 1024
#: Longer than a batch, a fetch and an election of a new leader take.
_STALLED_AFTER = 60.0


class ReadModelProgress:
    """Liveness by turns of the loop, standing by included; and the lag."""

    def __init__(self, lag: LagMetrics, clock: Callable[[], float] = time.monotonic) -> None:
        self._lag = lag
        self._clock = clock
        self._turned_at = clock()
        self._left = 0

    def progressed(self, left: Mapping[Place, int]) -> None:
        self._turned_at = self._clock()
        self._left = sum(left.values())
        self._lag.replace(dict(left))

    def health(self) -> Health:
        still = self._clock() - self._turned_at
        return Health(ok=still < _STALLED_AFTER, detail={"seconds_since_last_turn": round(still, 1), "lag": self._left})


def run(settings: Settings) -> None:
    """Blocks until SIGTERM or SIGINT, then returns. Raises NotReadyError, SettingError, and MetricsPortError when that port is taken."""
    settle(young_objects=_YOUNG_OBJECTS, switch_seconds=_SWITCH_SECONDS)
    uvloop.run(serve(settings, make_metrics()))


def rebuild(settings: Settings, watcher: Watcher) -> bool:
    """Drop the read model and build it anew to where the topics end now. False when it was stopped before that."""
    settle(young_objects=_YOUNG_OBJECTS, switch_seconds=_SWITCH_SECONDS)
    return uvloop.run(_rebuild(settings, watcher))


async def serve(settings: Settings, metrics: Metrics) -> None:
    """The same as `run` inside a loop of the caller's, on its main thread."""
    progress = ReadModelProgress(metrics.lag)
    async with (
        _keeper(settings, metrics, progress) as keeper,
        HealthServer(port=settings.metrics_port, registry=metrics.registry, liveness=progress.health),
    ):
        await _ready(settings)
        await keeper.run()


async def _rebuild(settings: Settings, watcher: Watcher) -> bool:
    async with _keeper(settings, make_metrics(), watcher) as keeper:
        await _ready(settings)
        return await keeper.rebuild()


async def _ready(settings: Settings) -> None:
    await wait_for_topics(admin_options(settings.kafka), settings.topics, access_of("read-model", settings.topics))()


@asynccontextmanager
async def _keeper(settings: Settings, metrics: Metrics, watcher: Watcher) -> AsyncIterator[Keeper]:
    engine = writing_engine(settings.database_url)
    writer = f"{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(4)}"
    keeper = Keeper(
        store=ReadModelStore(engine, writer),
        source=partial(_source, settings),
        folder=lambda: Folder(settings.topics),
        prepare=lambda: migrate(settings.database_url),
        metrics=metrics.projection,
        policy=Policy(forget_after_days=settings.forget_after_days),
        watcher=watcher,
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, keeper.stop)
    try:
        yield keeper
    finally:
        await engine.dispose()


def _source(settings: Settings, positions: Positions) -> ProjectionSource:
    options = consumer_options(settings.kafka, group=None) | {"max_partition_fetch_bytes": _PARTITION_FETCH_BYTES}
    topics = Folder(settings.topics).topics
    return ProjectionSource(options, topics=topics, partitions=settings.topics.partitions, positions=positions, max_records=MAX_RECORDS)
