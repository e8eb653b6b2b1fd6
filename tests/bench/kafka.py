"""Topics of their own for every run, a backlog put in before the engine starts, and everything read back after it stopped."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from schemas.topics import Topics
from streams.engine.kafka_clients import producer_options
from streams.engine.producer import ConfirmedProducer, Row
from streams.engine.topic_admin import apply_topics
from streams.settings import KafkaSettings, Settings

__all__ = ["RunTopics", "publish", "read_topic", "run_topics", "wait_for_records"]

#: Rows in one call to the producer; bounds what waits for confirmation.
_SLICE = 20_000


@dataclass(frozen=True, kw_only=True)
class RunTopics:
    """The topics of one run. `env`: settings of a worker that shall use them."""

    bootstrap: str
    prefix: str
    partitions: int
    topics: Topics

    @property
    def env(self) -> dict[str, str]:
        return {
            "IMPACT_KAFKA_BOOTSTRAP_SERVERS": self.bootstrap,
            "IMPACT_TOPIC_PREFIX": self.prefix,
            "IMPACT_TOPIC_PARTITIONS": str(self.partitions),
        }


@asynccontextmanager
async def run_topics(bootstrap: str, prefix: str, partitions: int) -> AsyncIterator[RunTopics]:
    """All topics of the product under a prefix; deleted afterwards with whatever else an engine made under it."""
    topics = Settings(topic_prefix=prefix, topic_partitions=partitions).topics
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=60_000)
    await admin.start()
    try:
        await apply_topics(admin, topics, 1)
        yield RunTopics(bootstrap=bootstrap, prefix=prefix, partitions=partitions, topics=topics)
    finally:
        made = [name for name in await admin.list_topics() if name.startswith(prefix)]
        if made:
            await admin.delete_topics(made)
        await admin.close()


async def publish(bootstrap: str, topic: str, rows: Sequence[Row]) -> None:
    """In order per partition, each confirmed."""
    producer = ConfirmedProducer(producer_options(KafkaSettings(bootstrap_servers=(bootstrap,))))
    await producer.start()
    try:
        for start in range(0, len(rows), _SLICE):
            for future in await producer.send_keyed(topic, rows[start : start + _SLICE]):
                await future
    finally:
        await producer.stop()


async def read_topic(bootstrap: str, topic: str) -> Iterable[Row]:
    """Everything that a topic holds now, each partition in order."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest")
    await consumer.start()
    rows: list[Row] = []
    try:
        partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or await _known(consumer, topic)]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        while any([await consumer.position(partition) < end for partition, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                rows += [(record.key, record.value) for record in records]
    finally:
        await consumer.stop()
    return rows


async def _known(consumer: AIOKafkaConsumer, topic: str) -> set[int]:
    await consumer._client.set_topics({topic})
    return consumer.partitions_for_topic(topic) or set()


async def wait_for_records(bootstrap: str, topic: str, count: int, *, timeout: float) -> None:
    """Until a topic holds so many. Raises TimeoutError."""
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:
        partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
        async with asyncio.timeout(timeout):
            while sum((await consumer.end_offsets(partitions)).values()) < count:  # noqa: ASYNC110 - another process makes it true
                await asyncio.sleep(0.02)
    finally:
        await consumer.stop()
