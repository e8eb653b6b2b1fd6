"""Redelivery: a plain aiokafka consumer that moves due retries back to the lane they came from (long delays do not belong in a stream)."""

import asyncio
import signal

from schemas.access import access_of
from streams.engine.health import HealthServer
from streams.engine.kafka_clients import admin_options, consumer_options, producer_options
from streams.engine.preflight import let_in
from streams.engine.redelivery_loop import Clients, Redelivery
from streams.engine.redelivery_plan import Routes
from streams.engine.redelivery_progress import RedeliveryProgress
from streams.metrics import Metrics, make_metrics
from streams.settings import Settings

__all__ = ["run", "serve"]

#: A partition that is resumed joins the next fetch, so fetches that wait for news are kept short.
_FETCH_WAIT_MS = 200


def run(settings: Settings) -> None:
    """Blocks until SIGTERM or SIGINT, then returns. Raises SettingError, NotReadyError, and MetricsPortError when that port is taken."""
    asyncio.run(serve(settings, make_metrics()))


async def serve(settings: Settings, metrics: Metrics) -> None:
    """The same inside a loop of the caller's, on its main thread."""
    progress = RedeliveryProgress(metrics.redelivery, metrics.lag)
    let_in_here = let_in(admin_options(settings.kafka), access_of("redeliver", settings.topics))
    redelivery = Redelivery(clients=_clients(settings), routes=Routes(settings.topics), progress=progress, let_in=let_in_here)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, redelivery.stop)
    async with HealthServer(port=settings.metrics_port, registry=metrics.registry, liveness=progress.health):
        await redelivery.run()


def _clients(settings: Settings) -> Clients:
    session = int(settings.session_timeout.total_seconds() * 1000)
    consumer = consumer_options(settings.kafka, group=settings.topics.redeliver_group) | {
        "session_timeout_ms": session,
        "heartbeat_interval_ms": max(session // 10, 300),
        "fetch_max_wait_ms": _FETCH_WAIT_MS,
        "metadata_max_age_ms": 60_000,
    }
    return Clients(consumer=consumer, producer=producer_options(settings.kafka))
