"""The Faust app that both workers are made of: configured once, with the hooks where work in flight is drained."""

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

import faust
from faust.app.base import BootStrategy
from faust.sensors.monitor import Monitor

from streams.engine.chunks import chunk_scheduler
from streams.engine.consumer import SafeTransport
from streams.engine.held import IsNewer
from streams.engine.lease import Lease, end_at_once
from streams.engine.offsets import OffsetTracker
from streams.engine.producer import ConfirmedProducer
from streams.engine.recovery import SafeTableManager
from streams.engine.start import reach_brokers
from streams.engine.table import ChangelogTable

__all__ = ["AppConfig", "EngineApp", "Worklist", "broker_credentials", "make_app"]

log = logging.getLogger(__name__)

#: A request takes this long at most from the check of the lease to the broker's log.
SEND_SECONDS = 1.0


class Worklist(Protocol):
    """What an agent has in flight."""

    async def drain(self) -> None:
        """Begin nothing new, finish or give up what runs, within the time in which a partition may move. Then the tracker is reset."""
        ...

    async def tables_ready(self, partitions: list[int]) -> None:
        """The tables of these partitions are filled; no input flows yet. Drop every cache."""
        ...


class QuietMonitor(Monitor):  # type: ignore[misc]
    """Faust's monitor without its bookkeeping per event (our metrics are in streams/metrics.py)."""

    def on_message_in(self, tp: Any, offset: int, message: Any) -> None:
        self.tp_read_offsets[tp] = offset

    def on_stream_event_in(self, tp: Any, offset: int, stream: Any, event: Any) -> None:
        return None

    def on_stream_event_out(self, tp: Any, offset: int, stream: Any, event: Any, state: Any = None) -> None:
        return None

    def on_message_out(self, tp: Any, offset: int, message: Any) -> None:
        return None


@dataclass(frozen=True, kw_only=True)
class AppConfig:
    """`client`: connection settings for aiokafka. `directory`: of this process alone. `chunk`: records handed over at once.

    `rebalance_timeout`: how long the group waits for a worker that drains; longer than any drain, or its partitions move under it.
    """

    app_id: str
    brokers: tuple[str, ...]
    client: Mapping[str, Any] = field(repr=False)
    credentials: Any = None
    partitions: int
    store: str
    directory: Path
    chunk: int
    buffered_chunks: int
    session_timeout: timedelta
    rebalance_timeout: timedelta = timedelta(seconds=60)
    commit_interval: timedelta = timedelta(seconds=1)


class NoWeb(BootStrategy):  # type: ignore[misc]
    """Faust's own command turns its web server on, for everyone and on one port for all workers. Ours is HealthServer."""

    enable_web = False


class EngineApp(faust.App):  # type: ignore[misc]
    """Drains before a partition can move, commits what was finished, and forgets the rest."""

    BootStrategy = NoWeb
    offsets: OffsetTracker
    lease: Lease
    client: Mapping[str, Any]
    producer_out: ConfirmedProducer
    worklist: Worklist | None = None
    #: Keeps the process's data directory locked.
    slot: Any = None
    #: Run one after another before the first partition is asked for, and after the last commit.
    opening: list[Callable[[], Awaitable[Any]]]
    closing: list[Callable[[], Awaitable[Any]]]
    _table_kind: str
    _table_directory: Path

    def _new_transport(self) -> SafeTransport:
        return SafeTransport(self.conf.broker_consumer, self)

    async def on_start(self) -> None:
        for begin in self.opening:
            await begin()
        await super().on_start()

    async def _consumer_wait_empty(self, consumer: Any, logger: Any) -> None:
        """Faust calls this when partitions are revoked and when the app stops, after the stream queues were cleared."""
        self.offsets.suspend()
        if self.worklist is not None:
            await self.worklist.drain()
        while await consumer.maybe_wait_for_commit_to_finish():
            pass  # one under way may have looked before the last of them finished; commit() would then do nothing
        await consumer.commit()
        self.offsets.reset()

    async def tables_ready(self) -> None:
        """Called by recovery between filling the tables and letting input flow; then it resumes the tracker."""
        self.offsets.reset()
        partitions = sorted({number for table in self.tables.values() for number in table.held_partitions()})
        if self.worklist is not None:
            await self.worklist.tables_ready(partitions)

    async def crash(self, reason: BaseException) -> None:
        """Nothing new is begun; what is finished is committed; the process ends with an error."""
        self.offsets.close()
        await super().crash(reason)

    async def _on_agent_error(self, agent: Any, exc: BaseException) -> None:
        """Faust would start the agent again, with its next record, over what the failed one left half done."""
        await self.crash(exc)

    async def on_stop(self) -> None:
        await super().on_stop()
        await self.producer_out.stop()
        for end in self.closing:
            await end()

    def changelog_table(self, name: str, *, is_newer: IsNewer | None = None) -> ChangelogTable:
        """`is_newer(row, other)`: whether a row is of a later state than another of its key; it tells what a zombie wrote."""
        table = ChangelogTable(self, name=name, key_type=bytes, value_type=bytes, partitions=self.conf.topic_partitions)
        table.configure(kind=self._table_kind, directory=self._table_directory, producer=self.producer_out, is_newer=is_newer)
        self.tables.add(table)
        return table

    def raw_topic(self, name: str) -> Any:
        """Raw bytes in: decoding belongs inside the agent, where a failure can become a dead letter."""
        partitions = self.conf.topic_partitions
        return self.topic(
            name, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw", partitions=partitions, internal=False
        )

    def every(self, seconds: float, run: Callable[[], Awaitable[None]]) -> None:
        """Run in the background while the app runs; a failure crashes the worker rather than being swallowed."""

        async def loop() -> None:
            while not self.should_stop:
                await self.sleep(seconds)
                if not self.should_stop and not self.rebalancing:
                    try:
                        await run()
                    except asyncio.CancelledError:
                        raise
                    except Exception as error:  # noqa: BLE001
                        await self.crash(error)
                        return

        self.task(loop)


def make_app(config: AppConfig, producer: ConfirmedProducer) -> EngineApp:
    """An app without agents and tables."""
    session, rebalance = config.session_timeout.total_seconds(), config.rebalance_timeout.total_seconds()
    app = EngineApp(
        config.app_id,
        broker=[f"kafka://{server}" for server in config.brokers],
        broker_credentials=config.credentials,
        store="memory://",
        datadir=str(config.directory),
        web_enabled=False,
        autodiscover=False,
        topic_partitions=config.partitions,
        topic_allow_declare=False,
        topic_disable_leader=True,
        table_standby_replicas=0,
        broker_session_timeout=session,
        broker_heartbeat_interval=max(session / 10, 0.3),
        broker_rebalance_timeout=rebalance,
        broker_request_timeout=max(90.0, session, rebalance * 1.5),
        broker_commit_interval=config.commit_interval.total_seconds(),
        broker_commit_every=None,
        broker_max_poll_records=max(config.chunk * 4, 500),
        broker_check_crcs=True,
        consumer_max_fetch_size=4 * 1024 * 1024,
        consumer_auto_offset_reset="earliest",
        stream_buffer_maxsize=config.buffered_chunks,
        stream_wait_empty=False,
        stream_recovery_delay=0.0,
        ConsumerScheduler=chunk_scheduler(config.chunk),
        TableManager=SafeTableManager,
        Monitor=QuietMonitor,
    )
    app.offsets = OffsetTracker()
    app.lease = Lease(session=config.session_timeout, on_lost=end_at_once, on_refused=app.crash)
    producer.only_while(lambda: app.lease.hold(SEND_SECONDS))
    app.opening, app.closing = [reach_brokers(producer.start, {**config.client, "bootstrap_servers": config.brokers})], []
    app.client = config.client
    app.producer_out = producer
    app._table_kind = config.store
    app._table_directory = config.directory / "tables"
    return app


def broker_credentials(context: ssl.SSLContext | None, mechanism: str | None, username: str | None, password: str | None) -> Any:
    """Faust's form of the security settings; None for plaintext."""
    if mechanism is not None:
        return faust.SASLCredentials(username=username, password=password, ssl_context=context, mechanism=mechanism)
    return faust.SSLCredentials(context) if context is not None else None
