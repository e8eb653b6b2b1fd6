"""What stands in the topics: of one test by a tail that begins where the test began, of all time by reading everything."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.structs import ConsumerRecord

from schemas.topics import Topics
from streams.engine.kafka_clients import admin_options, consumer_options
from streams.settings import Settings

__all__ = ["Progress", "Tail", "all_records", "header", "rewind"]


class Tail:
    """Reads what is published to `topics` from the moment it was opened."""

    def __init__(self, settings: Settings, topics: Iterable[str]) -> None:
        self._consumer = AIOKafkaConsumer(**consumer_options(settings.kafka, group=None), fetch_max_wait_ms=50)
        self._partitions = _partitions(settings, topics)
        self._records: dict[str, list[ConsumerRecord]] = defaultdict(list)

    async def __aenter__(self) -> Self:
        await self._consumer.start()
        ends = await _ends(self._consumer, self._partitions)
        for partition, end in ends.items():
            self._consumer.seek(partition, end)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._consumer.stop()

    async def read(self, topic: str, key: str | None = None) -> list[ConsumerRecord]:
        """What stands there now, of one key where one is given; in order within a partition."""
        ends = await self._consumer.end_offsets([partition for partition in self._partitions if partition.topic == topic])
        while not await _has_reached(self._consumer, ends):
            for partition, records in (await self._consumer.getmany(timeout_ms=200)).items():
                self._records[partition.topic] += records
        return [record for record in self._records[topic] if key is None or record.key == key.encode()]


def header(record: ConsumerRecord, name: str) -> str:
    """The text of a header that stands there once."""
    values = [value for found, value in record.headers if found == name]
    assert len(values) == 1, (name, record.headers)
    return bytes(values[0]).decode()


async def all_records(settings: Settings, topics: Iterable[str]) -> list[ConsumerRecord]:
    """Every record that the brokers still hold."""
    async with AIOKafkaConsumer(**consumer_options(settings.kafka, group=None)) as consumer:
        partitions = _partitions(settings, topics)
        ends = await _ends(consumer, partitions)
        await consumer.seek_to_beginning()
        records: list[ConsumerRecord] = []
        while not await _has_reached(consumer, ends):
            for found in (await consumer.getmany(timeout_ms=500)).values():
                records += found
        return records


async def rewind(settings: Settings, group: str, topic: str) -> None:
    """The group, which nobody may be in, begins the topic anew."""
    partitions = _partitions(settings, [topic])
    async with AIOKafkaConsumer(**consumer_options(settings.kafka, group=group)) as consumer:
        consumer.assign(partitions)
        await consumer.commit(dict.fromkeys(partitions, 0))


@dataclass
class Progress:
    """Whether everything published was dealt with: every group has committed the end of its input."""

    settings: Settings

    @property
    def _inputs(self) -> dict[str, list[str]]:
        topics: Topics = self.settings.topics
        return {
            topics.fold_app: [topics.class_events],
            topics.execute_app: [topics.intents, topics.intents_bulk, topics.connections],
            topics.redeliver_group: [topics.retry(tier) for tier in topics.tiers],
        }

    async def is_settled(self) -> bool:
        """Offsets first, ends after: what was committed then reaches the ends of a later moment, so nothing is under way."""
        admin = AIOKafkaAdminClient(**admin_options(self.settings.kafka))
        await admin.start()
        try:
            found = await asyncio.gather(*(admin.list_consumer_group_offsets(group) for group in self._inputs))
        finally:
            await admin.close()
        committed = {(group, tp): meta.offset for group, offsets in zip(self._inputs, found, strict=True) for tp, meta in offsets.items()}
        async with AIOKafkaConsumer(**consumer_options(self.settings.kafka, group=None)) as consumer:
            inputs = {group: _partitions(self.settings, topics) for group, topics in self._inputs.items()}
            ends = await _ends(consumer, [tp for partitions in inputs.values() for tp in partitions])
        return all(committed.get((group, tp), 0) >= ends[tp] for group, partitions in inputs.items() for tp in partitions)


def _partitions(settings: Settings, topics: Iterable[str]) -> list[TopicPartition]:
    return [TopicPartition(topic, number) for topic in topics for number in range(settings.topic_partitions)]


async def _has_reached(consumer: AIOKafkaConsumer, ends: Mapping[TopicPartition, int]) -> bool:
    return all([await consumer.position(partition) >= end for partition, end in ends.items()])


async def _ends(consumer: AIOKafkaConsumer, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
    """Assigned first: the client asks at once then where the partitions are, and not at its next turn."""
    consumer.assign(partitions)
    ends: dict[TopicPartition, int] = await consumer.end_offsets(partitions)
    return ends
