"""Redelivery as a long-lived thing: sessions one after another, with back-off while the brokers are away, until it is told to stop."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import InvalidSessionTimeoutError, KafkaError

from streams.engine.backoff import BackOff, rest
from streams.engine.health import StalledError
from streams.engine.not_ready import BrokersUnreachableError
from streams.engine.redelivery_plan import Routes
from streams.engine.redelivery_progress import RedeliveryProgress
from streams.engine.redelivery_session import RedeliverySession
from streams.engine.start import session_refused

__all__ = ["Clients", "Redelivery"]

log = logging.getLogger(__name__)

#: For the batch under way to end, and then for each client to say goodbye. The brokers notice anyway when it takes longer.
_STOP_SECONDS = 10.0
_CLOSE_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class Clients:
    """Keyword arguments for aiokafka: no automatic commits, `earliest`, an idempotent producer with acks=all."""

    consumer: Mapping[str, Any] = field(repr=False)
    producer: Mapping[str, Any] = field(repr=False)


class Redelivery:
    """Moves due retries back until `stop`. At least once: a record's offset is committed after its send was confirmed."""

    def __init__(
        self, *, clients: Clients, routes: Routes, progress: RedeliveryProgress, let_in: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        """`let_in`: awaited before each session; raises what keeps us out."""
        self._clients = clients
        self._let_in = let_in
        self._routes = routes
        self._progress = progress
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Let `run` return soon. Safe to call from a signal handler of the loop; idempotent."""
        self._stopping.set()

    async def run(self) -> None:
        """Returns after `stop`. Outlives every failure of the brokers that may pass; any other error is a bug and is raised.

        Raises SettingError when the brokers refuse what a setting says, and NotReadyError when they permit too little.
        """
        work = asyncio.create_task(self._sessions(), name="redelivery")
        stop = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({work, stop}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                await asyncio.wait({work}, timeout=_STOP_SECONDS)
        finally:
            stop.cancel()
            work.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await work

    async def _sessions(self) -> None:
        back_off = BackOff()
        while not self._stopping.is_set():
            back_off.begin()
            try:
                if self._let_in is not None:
                    await self._let_in()
                await self._session()
            except InvalidSessionTimeoutError:
                raise session_refused(timedelta(milliseconds=self._clients.consumer["session_timeout_ms"])) from None
            except (KafkaError, StalledError, BrokersUnreachableError, OSError) as error:
                self._progress.failed(error)
                pause = back_off.pause()
                log.warning("redelivery cannot go on and tries again in %.1f s: %s: %s", pause, type(error).__name__, error)
                await rest(self._stopping, pause)

    async def _session(self) -> None:
        async with (
            self._started(AIOKafkaProducer(**self._clients.producer)) as producer,
            self._started(AIOKafkaConsumer(**self._clients.consumer)) as consumer,
        ):
            await RedeliverySession(
                consumer=consumer, producer=producer, routes=self._routes, progress=self._progress, stopping=self._stopping
            ).run()

    @staticmethod
    @contextlib.asynccontextmanager
    async def _started(client: Any) -> AsyncIterator[Any]:
        try:
            await client.start()
            yield client
        finally:
            # Shielded: also a cancelled session hands its partitions on instead of leaving them to time out.
            closing = asyncio.ensure_future(client.stop())
            done, _ = await asyncio.wait({closing}, timeout=_CLOSE_SECONDS)
            if not done:
                closing.cancel()
            elif closing.exception() is not None:
                log.info("a client did not close cleanly: %s", type(closing.exception()).__name__)
