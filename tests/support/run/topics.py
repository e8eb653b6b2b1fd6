"""Reading whole topics back, and waiting until the product has nothing more to do."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from streams.cli.report import Report, gather
from streams.engine.kafka_clients import admin_options, consumer_options
from streams.settings import Settings
from tests.support.waiting import eventually

__all__ = ["read_topic", "wait_until_idle"]


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


async def wait_until_idle(settings: Settings, *, timeout: float) -> Report:
    """Until every group has finished everything, no retry waits, and two looks in a row found the same. AssertionError in time."""
    before: dict[str, Any] = {}
    admin, consumer = AIOKafkaAdminClient(**admin_options(settings.kafka)), AIOKafkaConsumer(**consumer_options(settings.kafka, group=None))

    async def look() -> Report | None:
        nonlocal before
        report = await gather(admin, consumer, settings.topics)
        now = asdict(report)
        same, before = now == before, now
        left = _left(report)
        assert not left, f"still to do: {left}"
        return report if same else None

    try:
        await admin.start()
        await consumer.start()
        idle = await eventually(look, what="the product to have nothing more to do", timeout=timeout)
    finally:
        await consumer.stop()
        await admin.close()
    assert idle is not None
    return idle


def _left(report: Report) -> Sequence[str]:
    lags = [f"{lag.topic}: {lag.lag}" for group in report.groups for lag in group.topics if lag.lag]
    return lags + [f"retry {tier}: {waiting}" for tier, waiting in report.retry.items() if waiting]
