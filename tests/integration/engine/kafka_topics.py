"""Topics of one test on the real broker: made, written, read whole, and compacted."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete

__all__ = ["Tail", "committed", "create", "delete_records", "read", "write", "write_in_transaction"]

Row = tuple[bytes | None, bytes | None]


async def create(bootstrap: str, *names: str, partitions: int = 1, **config: str) -> None:
    """`config`: topic settings with `_` for `.`."""
    settings = {name.replace("_", "."): value for name, value in config.items()}
    async with _admin(bootstrap) as admin:
        await admin.create_topics([NewTopic(name, partitions, 1, topic_configs=settings) for name in names])


async def write(bootstrap: str, topic: str, rows: Iterable[Row], partition: int | None = None) -> None:
    """In order; `partition` None: as Kafka's default partitioner says."""
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as producer:
        sent = [await producer.send(topic, value, key=key, partition=partition) for key, value in rows]
        await asyncio.gather(*sent)


async def write_in_transaction(bootstrap: str, topic: str, rows: Iterable[Row], partition: int, *, commit: bool) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id=f"{topic}-writer") as producer:
        await producer.begin_transaction()
        for key, value in rows:
            await producer.send_and_wait(topic, value, key=key, partition=partition)
        await (producer.commit_transaction() if commit else producer.abort_transaction())


class Tail:
    """Everything that stands in a topic, read once and kept."""

    def __init__(self, bootstrap: str, topic: str, partitions: int) -> None:
        self._consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest")
        self._tps = [TopicPartition(topic, number) for number in range(partitions)]
        self._records: list[ConsumerRecord] = []
        self._started = False

    async def read(self) -> list[ConsumerRecord]:
        """Up to what stands there now, in the order of each partition."""
        if not self._started:
            await self._consumer.start()
            self._consumer.assign(self._tps)
            self._started = True
        ends = await self._consumer.end_offsets(self._tps)
        while any([await self._consumer.position(tp) < end for tp, end in ends.items()]):
            for records in (await self._consumer.getmany(timeout_ms=200)).values():
                self._records += records
        return self._records

    async def close(self) -> None:
        if self._started:
            await self._consumer.stop()


async def read(bootstrap: str, topic: str, partitions: int = 1) -> list[ConsumerRecord]:
    """Everything that stands in a topic now, by partition and offset."""
    tail = Tail(bootstrap, topic, partitions)
    try:
        return sorted(await tail.read(), key=lambda record: (record.partition, record.offset))
    finally:
        await tail.close()


async def committed(bootstrap: str, group: str) -> dict[tuple[str, int], int]:
    """What a consumer group has committed."""
    async with _admin(bootstrap) as admin:
        offsets = await admin.list_consumer_group_offsets(group)
    return {(tp.topic, tp.partition): meta.offset for tp, meta in offsets.items() if meta.offset >= 0}


async def delete_records(bootstrap: str, topic: str, partition: int, before: int) -> None:
    """Move the beginning of a partition: what stood before is gone, as after compaction."""
    async with _admin(bootstrap) as admin:
        await admin.delete_records({TopicPartition(topic, partition): RecordsToDelete(before_offset=before)})


@asynccontextmanager
async def _admin(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()
