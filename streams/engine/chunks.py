"""Micro-batches through Faust's public ConsumerScheduler setting: one message for what a fetch brought of a topic, holding raw records."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from faust.types import TP
from faust.types.transports import SchedulingStrategyT

__all__ = ["Chunk", "PartitionRun", "chunk_scheduler"]

#: An aiokafka.ConsumerRecord of raw bytes; aiokafka ships no types for it.
Record = Any
#: A partition's number, and records of it in order.
PartitionRun = tuple[int, Sequence[Record]]


class Chunk:
    """Looks like an aiokafka record to Faust; its value is the runs, and it stands where the last record of the first one does."""

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

    def __init__(self, runs: Sequence[PartitionRun]) -> None:
        last = runs[0][1][-1]
        self.topic = last.topic
        self.partition = last.partition
        self.offset = last.offset
        self.timestamp = last.timestamp
        self.timestamp_type = last.timestamp_type
        self.headers = ()
        self.key = None
        self.value = runs
        self.checksum = None
        self.serialized_key_size = 0
        self.serialized_value_size = 0


def chunk_scheduler(max_records: int) -> type[SchedulingStrategyT]:
    """A ConsumerScheduler that hands over about `max_records` at a time, as many of each partition as of any other."""

    class ChunkScheduler(SchedulingStrategyT):  # type: ignore[misc]
        def iterate(self, records: Mapping[Any, Sequence[Record]]) -> Iterator[tuple[TP, Chunk]]:
            topics: dict[str, list[PartitionRun]] = {}
            for partition, found in records.items():
                if found:
                    topics.setdefault(partition.topic, []).append((partition.partition, found))
            turns = [_chunks(runs, max_records) for runs in topics.values()]
            for turn in zip_longest(*turns):
                for chunk in filter(None, turn):
                    yield TP(chunk.topic, chunk.partition), chunk

    return ChunkScheduler


def _chunks(runs: Sequence[PartitionRun], max_records: int) -> Iterator[Chunk]:
    share = max(max_records // len(runs), 1)
    for start in range(0, max(len(found) for _, found in runs), share):
        yield Chunk([(number, found[start : start + share]) for number, found in runs if start < len(found)])
