"""Table recovery: fill the stores from their changelogs with a plain consumer, then let input flow.

Replaces the body of Faust 0.15.3's recovery, which resumes the input partitions, then seeks, then clears the stream queues: input fetched
in between is dropped without an ack. Also, Faust waits for the record at the high watermark, which compaction may have removed; here the
reader's position counts.
"""

import asyncio
import time
from collections.abc import Iterable
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import IllegalStateError
from faust.tables.manager import TableManager
from faust.tables.recovery import RebalanceAgain, Recovery, ServiceStopped
from faust.types import TP
from mode import Service

__all__ = ["SafeTableManager"]


class SafeRecovery(Recovery):  # type: ignore[misc]
    @Service.task  # type: ignore[untyped-decorator]
    async def _restart_recovery(self) -> None:
        while not self.should_stop:
            if await self.wait_for_stopped(self.signal_recovery_start):
                return
            self.signal_recovery_start.clear()
            generation = self._generation_id
            try:
                self._set_recovery_started()
                await self._wait(self._fill(self.active_tps))
                await self._wait(self._let_flow(generation))
            except (RebalanceAgain, IllegalStateError):
                continue
            except ServiceStopped:
                return
            except Exception as error:  # noqa: BLE001 - a worker without its tables must not go on
                await self.crash(error)
                return

    @Service.task  # type: ignore[untyped-decorator]
    async def _slurp_changelogs(self) -> None:
        """Nothing: `_fill` reads the changelogs."""

    @Service.task  # type: ignore[untyped-decorator]
    async def _publish_stats(self) -> None:
        """Nothing: `_fill` logs what it does."""

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
        stores = {tp: self.tables._changelogs[tp.topic].partition_store(tp.partition) for tp in partitions}
        reader.assign(partitions)
        ends = await reader.end_offsets(partitions)
        starts = await reader.beginning_offsets(partitions)
        position: dict[TopicPartition, int] = {}
        for tp in partitions:
            filled = stores[tp].offset()
            position[tp] = starts[tp] if filled is None else max(starts[tp], filled + 1)
            reader.seek(tp, position[tp])
        behind = {tp for tp in partitions if position[tp] < ends[tp]}
        reader.pause(*[tp for tp in partitions if tp not in behind])
        total = 0
        while behind:
            for tp, records in (await reader.getmany(*behind, timeout_ms=1000)).items():
                stores[tp].write({record.key: record.value for record in records}, records[-1].offset)
                total += len(records)
            for tp in list(behind):
                if await reader.position(tp) >= ends[tp]:
                    behind.discard(tp)
            await asyncio.sleep(0)
        return total

    async def _let_flow(self, generation: int) -> None:
        """Seek first, then open the stream queues, then resume the partitions: nothing is fetched that could be dropped."""
        app, consumer = self.app, self.app.consumer
        await app.on_rebalance_complete.send()
        self._set_recovery_ended()
        if app.consumer_generation_id != generation:
            self.log.warning("Another rebalance began during recovery")
            return
        assignment = consumer.assignment()
        if assignment:
            await asyncio.wait_for(consumer.perform_seek(), timeout=app.conf.broker_request_timeout)
        await app.tables_ready()
        self.completed.set()
        app.flow_control.resume()
        consumer.resume_flow()
        consumer.resume_partitions({tp for tp in assignment if not self._is_changelog_tp(tp)})
        await app._fetcher.maybe_start()
        self.tables.on_actives_ready()
        self.tables.on_standbys_ready()
        app.on_rebalance_end()
        self.log.info("Worker ready")


class SafeTableManager(TableManager):  # type: ignore[misc]
    _recovery: SafeRecovery | None = None

    @property
    def recovery(self) -> SafeRecovery:
        if self._recovery is None:
            self._recovery = SafeRecovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return self._recovery
