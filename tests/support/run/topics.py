"""Reading whole topics back, and waiting until the product has nothing more to do."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from streams.cli.report import Report, gather
from streams.engine.kafka_clients import admin_options, consumer_options
from streams.settings import Settings
from tests.support.waiting import eventually

__all__ = ["read_topic", "wait_until_idle", "wait_until_taken"]


async def read_topic(settings: Settings, topic: str) -> list[ConsumerRecord]:
    """Every record that stands in the topic now, partition by partition."""
    async with AIOKafkaConsumer(**consumer_options(settings.kafka, group=None)) as consumer:
        partitions = [TopicPartition(topic, number) for number in range(settings.topic_partitions)]
        ends = await consumer.end_offsets(partitions)
        found: list[ConsumerRecord] = []
        for partition in partitions:
            consumer.assign([partition])
            await consumer.seek_to_beginning(partition)
            while await consumer.position(partition) < ends[partition]:
                for records in (await consumer.getmany(partition, timeout_ms=500)).values():
                    found += records
        return found


async def wait_until_taken(settings: Settings, *, timeout: float) -> None:
    """Until the fold and execution have taken everything published so far; what failed may wait in a retry tier."""

    async def look(report: Report) -> bool:
        left = _left(report, settings.topics.redeliver_group)
        assert not left, f"still to do: {left}"
        return True

    await _watch(settings, look, what="the workers to take everything", timeout=timeout)


async def wait_until_idle(settings: Settings, *, timeout: float) -> None:
    """Until every group has finished everything, no retry waits, and two looks in a row found the same. AssertionError in time."""
    before: dict[str, Any] = {}

    async def look(report: Report) -> bool:
        nonlocal before
        now = asdict(report)
        same, before = now == before, now
        left = _left(report)
        assert not left, f"still to do: {left}"
        return same

    await _watch(settings, look, what="the product to have nothing more to do", timeout=timeout)


async def _watch(settings: Settings, look: Callable[[Report], Awaitable[bool]], *, what: str, timeout: float) -> None:
    admin, consumer = AIOKafkaAdminClient(**admin_options(settings.kafka)), AIOKafkaConsumer(**consumer_options(settings.kafka, group=None))

    async def probe() -> bool:
        return await look(await gather(admin, consumer, settings.topics))

    try:
        await admin.start()
        await consumer.start()
        await eventually(probe, what=what, timeout=timeout)
    finally:
        await consumer.stop()
        await admin.close()


def _left(report: Report, but: str = "") -> list[str]:
    return [f"{lag.topic}: {lag.lag}" for group in report.groups if group.group != but for lag in group.topics if lag.lag]
