"""Records of a partition in runs of so many, partitions in turn."""

from collections.abc import Sequence
from dataclasses import dataclass

from faust.types import TP

from streams.engine.chunks import chunk_scheduler


@dataclass(frozen=True)
class Record:
    offset: int
    partition: int = 0
    topic: str = "events"
    timestamp: int = 1_800_000_000_000
    timestamp_type: int = 0


def chunks(size: int, **partitions: int) -> list[tuple[int, Sequence[Record]]]:
    """`p0=5`: five records in partition 0. Each chunk's partition and records, in the order they are handed over."""
    fetched = {
        TP("events", int(name[1:])): [Record(offset, int(name[1:])) for offset in range(count)] for name, count in partitions.items()
    }
    return [(tp.partition, chunk.value) for tp, chunk in chunk_scheduler(size)().iterate(fetched)]


def test_a_partition_comes_in_runs_of_so_many_in_order() -> None:
    offsets = [[record.offset for record in run] for _, run in chunks(2, p0=5)]
    assert offsets == [[0, 1], [2, 3], [4]]


def test_partitions_take_turns_so_that_a_long_one_does_not_starve_another() -> None:
    assert [partition for partition, _ in chunks(2, p0=5, p1=3, p2=1)] == [0, 1, 2, 0, 1, 0]


def test_nothing_fetched_gives_nothing() -> None:
    assert chunks(2) == []
    assert chunks(2, p0=0) == []


def test_a_chunk_stands_for_its_last_record() -> None:
    ((tp, chunk),) = chunk_scheduler(10)().iterate({TP("events", 4): [Record(7, 4), Record(9, 4)]})
    assert (tp, chunk.topic, chunk.partition, chunk.offset) == (TP("events", 4), "events", 4, 9)
    assert (chunk.key, chunk.headers, chunk.timestamp) == (None, (), 1_800_000_000_000)
