"""Table recovery: fill the stores from their changelogs with a plain consumer, then let input flow.

Replaces the body of Faust 0.15.3's recovery, which resumes the input partitions, then seeks, then clears the stream queues: input fetched
in between is dropped without an ack. Also, Faust waits for the record at the high watermark, which compaction may have removed; here the
reader's position counts.
"""

import asyncio
import logging
import time
from collections.abc import Iterable, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import IllegalStateError
from faust.tables.manager import TableManager
from faust.tables.recovery import RebalanceAgain, Recovery, ServiceStopped
from faust.types import TP
from mode import Service

from streams.engine.store import PartitionStore

__all__ = ["SafeRecovery", "SafeTableManager"]

log = logging.getLogger(__name__)


class SafeRecovery(Recovery):  # type: ignore[misc]
    #: The number of the rebalance that recovery runs for.
    _rebalance = 0

    async def on_rebalance(self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP], generation_id: int = 0) -> None:
        self._rebalance = self.app.rebalancing_count
        await super().on_rebalance(assigned, revoked, newly_assigned, generation_id)

    @Service.task  # type: ignore[untyped-decorator]
    async def _restart_recovery(self) -> None:
        while not self.should_stop:
            if await self.wait_for_stopped(self.signal_recovery_start):
                return
            self.signal_recovery_start.clear()
            try:
                self._set_recovery_started()
                await self._wait(self._fill(self.active_tps))
                await self._wait(self._let_flow())
            except ServiceStopped:
                return
            except Exception as error:  # noqa: BLE001 - a worker without its tables must not go on
                if isinstance(error, RebalanceAgain | IllegalStateError) or self.app.rebalancing_count != self._rebalance:
                    self.log.info("Another rebalance began during recovery (%s)", type(error).__name__)
                    continue
                await self.crash(error)
                return

    @Service.task  # type: ignore[untyped-decorator]
    async def _slurp_changelogs(self) -> None:
        """Nothing: `_fill` reads the changelogs."""

    @Service.task  # type: ignore[untyped-decorator]
    async def _publish_stats(self) -> None:
        """Nothing: `_fill` logs what it does."""

    def _check_still_ours(self) -> None:
        """Raises RebalanceAgain once another rebalance began: it may have closed the stores, and it lets input flow itself.

        Faust tells recovery of a rebalance at its end only; until then both would run.
        """
        if self.app.rebalancing_count != self._rebalance:
            raise RebalanceAgain

    async def _fill(self, changelogs: Iterable[TP]) -> None:
        started = time.monotonic()
        partitions = [TopicPartition(tp.topic, tp.partition) for tp in changelogs]
        if not partitions:
            return
        reader = AIOKafkaConsumer(**self.app.client, enable_auto_commit=False, auto_offset_reset="earliest", max_poll_records=5000)
        await reader.start()
        try:
            rows = await self._read(reader, partitions)
        finally:
            await reader.stop()
        seconds = time.monotonic() - started
        self.log.info("Tables are filled: %s rows of %s changelog partitions in %.1f s", rows, len(partitions), seconds)

    async def _read(self, reader: Any, partitions: list[TopicPartition]) -> int:
        reader.assign(partitions)
        ends = await reader.end_offsets(partitions)
        starts = await reader.beginning_offsets(partitions)
        self._check_still_ours()
        held = {tp: self.tables._changelogs[tp.topic].held(tp.partition) for tp in partitions}
        behind = set()
        for tp in partitions:
            position = _position(held[tp].store, starts[tp], ends[tp], tp)
            reader.seek(tp, position)
            if position < ends[tp]:
                behind.add(tp)
        reader.pause(*[tp for tp in partitions if tp not in behind])
        total = 0
        while behind:
            found = await reader.getmany(*behind, timeout_ms=1000)
            self._check_still_ours()
            for tp, records in found.items():
                held[tp].refill(records)
                total += len(records)
            for tp in list(behind):
                if await reader.position(tp) >= ends[tp]:
                    behind.discard(tp)
            await asyncio.sleep(0)
        for tp in partitions:
            await self._put_back(tp, held[tp].filled(ends[tp]))
        return total

    async def _put_back(self, tp: TopicPartition, rows: Mapping[bytes, bytes]) -> None:
        """So that compaction leaves the right rows, and not the older ones that were written after them."""
        if rows:
            await (await self.tables._changelogs[tp.topic].write(tp.partition, rows))

    async def _let_flow(self) -> None:
        """Seek first, then open the stream queues, then resume the partitions: nothing is fetched that could be dropped."""
        app, consumer = self.app, self.app.consumer
        await app.on_rebalance_complete.send()
        self._check_still_ours()
        assignment = consumer.assignment()
        if assignment:
            await asyncio.wait_for(consumer.perform_seek(), timeout=app.conf.broker_request_timeout)
        await app.tables_ready()
        self._check_still_ours()
        self._set_recovery_ended()
        app.offsets.resume()
        self.completed.set()
        app.flow_control.resume()
        consumer.resume_flow()
        consumer.resume_partitions({tp for tp in assignment if not self._is_changelog_tp(tp)})
        await app._fetcher.maybe_start()
        self.tables.on_actives_ready()
        self.tables.on_standbys_ready()
        app.on_rebalance_end()
        self.log.info("Worker ready")


def _position(store: PartitionStore, start: int, end: int, tp: TopicPartition) -> int:
    """Where the changelog is read from. A store that claims more than the changelog has was filled from another one: it is emptied."""
    filled = store.offset()
    if filled is not None and filled >= end:
        log.error("a table's store is ahead of its changelog and is filled anew", extra={"changelog": tp.topic, "partition": tp.partition})
        store.clear()
        filled = None
    return start if filled is None else max(start, filled + 1)


class SafeTableManager(TableManager):  # type: ignore[misc]
    _recovery: SafeRecovery | None = None

    @property
    def recovery(self) -> SafeRecovery:
        if self._recovery is None:
            self._recovery = SafeRecovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return self._recovery
