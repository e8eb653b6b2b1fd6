"""Retry topics on the real broker, and redelivery over them, in this process or in one of its own."""

import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from schemas import headers as names
from schemas.topics import Topics
from streams.engine.kafka_clients import admin_options
from streams.engine.topic_admin import apply_topics
from streams.settings import Settings
from tests.support.waiting import eventually

Headers = tuple[tuple[str, bytes], ...]


def unix_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass
class Retries:
    """The topics of one test, and a producer and a reader of it."""

    settings: Settings
    producer: AIOKafkaProducer

    @property
    def topics(self) -> Topics:
        return self.settings.topics

    @property
    def fast(self) -> str:
        """The retry topic of the first tier."""
        return self.topics.retry(self.topics.tiers[0])

    @property
    def slow(self) -> str:
        return self.topics.retry(self.topics.tiers[-1])

    def headers(self, due_in_ms: int, source: str | None = None) -> Headers:
        return (
            ("content-type", b"application/json"),
            (names.ATTEMPT, b"2"),
            (names.DUE, str(unix_ms() + due_in_ms).encode()),
            (names.SOURCE_TOPIC, (source or self.topics.intents).encode()),
        )

    async def put(self, topic: str, key: bytes | None, value: bytes | None, headers: Headers) -> None:
        await self.producer.send_and_wait(topic, value, key=key, headers=list(headers))

    async def read(self, topic: str) -> list[ConsumerRecord]:
        """Everything that stands in the topic now."""
        bootstrap = self.settings.kafka.bootstrap_servers[0]
        async with AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False) as consumer:
            tps = [TopicPartition(topic, number) for number in range(self.topics.partitions)]
            consumer.assign(tps)
            await consumer.seek_to_beginning(*tps)
            ends = await consumer.end_offsets(tps)
            found: list[ConsumerRecord] = []
            while any([await consumer.position(tp) < end for tp, end in ends.items()]):
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    found += records
            return found

    async def wait_for(self, topic: str, values: Sequence[bytes], timeout: float = 60) -> list[ConsumerRecord]:
        """Until each of `values` stands in the topic."""

        async def probe() -> list[ConsumerRecord] | None:
            records = await self.read(topic)
            return records if set(values) <= {record.value for record in records} else None

        found = await eventually(probe, what=f"{len(values)} records in {topic}", timeout=timeout)
        assert found is not None
        return found

    async def committed(self) -> dict[TopicPartition, int]:
        """What redelivery's group has committed."""
        admin = AIOKafkaAdminClient(**admin_options(self.settings.kafka))
        await admin.start()
        try:
            offsets = await admin.list_consumer_group_offsets(self.topics.redeliver_group)
        finally:
            await admin.close()
        return {tp: meta.offset for tp, meta in offsets.items() if meta.offset >= 0}

    async def members(self) -> int:
        """How many processes are in redelivery's group, once it is settled."""
        admin = AIOKafkaAdminClient(**admin_options(self.settings.kafka))
        await admin.start()
        try:
            (response,) = await admin.describe_consumer_groups([self.topics.redeliver_group])
        finally:
            await admin.close()
        _error, _name, state, _type, _protocol, members, *_ = response.groups[0]
        return len(members) if state == "Stable" else 0

    async def joined(self, members: int = 1) -> None:
        async def probe() -> bool:
            return await self.members() == members

        await eventually(probe, what=f"{members} members in redelivery's group")


@contextlib.asynccontextmanager
async def retries_on(settings: Settings) -> AsyncIterator[Retries]:
    """With the topics made."""
    admin = AIOKafkaAdminClient(**admin_options(settings.kafka))
    await admin.start()
    try:
        await apply_topics(admin, settings.topics, replicas=1)
    finally:
        await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=settings.kafka.bootstrap_servers[0], acks="all", max_request_size=4_000_000) as producer:
        yield Retries(settings, producer)


@pytest.fixture
async def retries(settings_env: dict[str, str]) -> AsyncIterator[Retries]:
    async with retries_on(Settings.from_env(settings_env)) as made:
        yield made
