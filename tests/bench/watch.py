"""Watching an engine from outside, all engines alike: its outputs as they reach the broker, its commits, its CPU time."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

import psutil
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

__all__ = ["FoldRun", "cpu_seconds", "watch_fold"]

_PAUSE = 0.02


@dataclass(frozen=True, kw_only=True)
class FoldRun:
    """From the first output seen to the last one (`seconds`, `cpu`) `events` were folded; offsets were committed `commit_lag` later."""

    events: float
    seconds: float
    cpu: float
    commit_lag: float

    @property
    def rate(self) -> float:
        return self.events / self.seconds

    @property
    def cpu_us(self) -> float:
        return self.cpu / self.events * 1e6


def cpu_seconds(pid: int) -> float:
    """User and system time of a process with its threads."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


@dataclass(frozen=True)
class _Sample:
    at: float
    intents: int
    others: int
    cpu: float


async def watch_fold(
    bootstrap: str,
    *,
    pid: int,
    group: str,
    source: str,
    intents: str,
    changelog: str | None,
    events: int,
    expected_intents: int,
    timeout: float,
) -> FoldRun:
    """Until the group has committed all of `source`.

    What was folded before the first look is not counted, by its share of the intents. Raises TimeoutError.
    """
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await consumer.start()
    await admin.start()
    watcher = _Watcher(consumer, admin, pid, intents, changelog)
    try:
        async with asyncio.timeout(timeout):
            await watcher.until(lambda sample: sample.intents > 0)
            first = watcher.last if watcher.last.intents < expected_intents else watcher.idle  # all at one look: count all of it
            await watcher.until(lambda sample: sample.intents >= expected_intents)
            committed = await watcher.until_committed(group, source, events)
    finally:
        await consumer.stop()
        await admin.close()
    last = watcher.last
    share = 1 - first.intents / expected_intents
    return FoldRun(events=events * share, seconds=last.at - first.at, cpu=last.cpu - first.cpu, commit_lag=committed - last.at)


class _Watcher:
    """`last`: the look at which an output moved last. `idle`: the last look without any output."""

    def __init__(self, consumer: AIOKafkaConsumer, admin: AIOKafkaAdminClient, pid: int, intents: str, changelog: str | None) -> None:
        self._consumer = consumer
        self._admin = admin
        self._pid = pid
        self._intents = intents
        self._changelog = changelog
        self.idle = self.last = _Sample(time.perf_counter(), 0, 0, cpu_seconds(pid))

    async def until(self, enough: Callable[[_Sample], bool]) -> None:
        while not enough(self.last):
            await self._look()
            await asyncio.sleep(_PAUSE)

    async def until_committed(self, group: str, source: str, events: int) -> float:
        while await self._committed(group, source) < events:
            await self._look()
            await asyncio.sleep(_PAUSE)
        return time.perf_counter()

    async def _look(self) -> None:
        intents = await self._end(self._intents)
        others = await self._end(self._changelog) if self._changelog is not None and intents else 0
        if not intents:
            self.idle = _Sample(time.perf_counter(), 0, 0, cpu_seconds(self._pid))
        elif (intents, others) != (self.last.intents, self.last.others):
            self.last = _Sample(time.perf_counter(), intents, others, cpu_seconds(self._pid))

    async def _end(self, topic: str) -> int:
        """Records in a topic; 0 as long as this client knows nothing of it."""
        partitions = self._consumer.partitions_for_topic(topic)
        if not partitions:
            await self._consumer._client.add_topic(topic)
            return 0
        ends = await self._consumer.end_offsets([TopicPartition(topic, number) for number in partitions])
        return sum(ends.values())

    async def _committed(self, group: str, source: str) -> int:
        offsets = await self._admin.list_consumer_group_offsets(group)
        return sum(max(found.offset, 0) for tp, found in offsets.items() if tp.topic == source)
