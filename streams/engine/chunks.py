"""Micro-batches through Faust's public ConsumerScheduler setting: one message per partition chunk, holding raw records."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from faust.types import TP
from faust.types.transports import SchedulingStrategyT

__all__ = ["Chunk", "chunk_scheduler"]

#: An aiokafka.ConsumerRecord of raw bytes; aiokafka ships no types for it.
Record = Any


class Chunk:
    """Looks like an aiokafka record to Faust; its value is the list of records, its offset that of the last one."""

    __slots__ = (
        "checksum",
        "headers",
        "key",
        "offset",
        "partition",
        "serialized_key_size",
        "serialized_value_size",
        "timestamp",
        "timestamp_type",
        "topic",
        "value",
    )

    def __init__(self, records: Sequence[Record]) -> None:
        last = records[-1]
        self.topic = last.topic
        self.partition = last.partition
        self.offset = last.offset
        self.timestamp = last.timestamp
        self.timestamp_type = last.timestamp_type
        self.headers = ()
        self.key = None
        self.value = records
        self.checksum = None
        self.serialized_key_size = 0
        self.serialized_value_size = 0


def chunk_scheduler(max_records: int) -> type[SchedulingStrategyT]:
    """A ConsumerScheduler that hands over at most `max_records` of one partition at a time, partitions in turn."""

    class ChunkScheduler(SchedulingStrategyT):  # type: ignore[misc]
        def iterate(self, records: Mapping[Any, Sequence[Record]]) -> Iterator[tuple[TP, Chunk]]:
            longest = max(map(len, records.values()), default=0)
            for start in range(0, longest, max_records):
                for partition, batch in records.items():
                    if start < len(batch):
                        yield TP(partition.topic, partition.partition), Chunk(batch[start : start + max_records])

    return ChunkScheduler
