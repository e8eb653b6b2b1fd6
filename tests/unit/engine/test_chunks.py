"""What a fetch brought, in chunks of about so many records, partitions side by side and topics in turn."""

from dataclasses import dataclass

from faust.types import TP

from streams.engine.chunks import Chunk, chunk_scheduler


@dataclass(frozen=True)
class Record:
    offset: int
    partition: int = 0
    topic: str = "events"
    timestamp: int = 1_800_000_000_000
    timestamp_type: int = 0


def handed_over(size: int, fetched: dict[TP, list[Record]]) -> list[tuple[TP, Chunk]]:
    return list(chunk_scheduler(size)().iterate(fetched))


def chunks(size: int, **partitions: int) -> list[list[tuple[int, list[int]]]]:
    """`p0=5`: five records in partition 0. Each chunk's partitions with offsets, in the order they are handed over."""
    fetched = {
        TP("events", int(name[1:])): [Record(offset, int(name[1:])) for offset in range(count)] for name, count in partitions.items()
    }
    return [[(number, [record.offset for record in run]) for number, run in chunk.value] for _, chunk in handed_over(size, fetched)]


def test_what_a_fetch_brought_of_all_partitions_comes_at_once() -> None:
    assert chunks(10, p0=2, p3=1) == [[(0, [0, 1]), (3, [0])]]


def test_a_long_partition_comes_in_runs_in_order() -> None:
    assert chunks(2, p0=5) == [[(0, [0, 1])], [(0, [2, 3])], [(0, [4])]]


def test_partitions_share_a_chunk_so_that_a_long_one_does_not_starve_another() -> None:
    assert chunks(4, p0=5, p1=3) == [[(0, [0, 1]), (1, [0, 1])], [(0, [2, 3]), (1, [2])], [(0, [4])]]


def test_more_partitions_than_a_chunk_holds_records_still_get_on() -> None:
    assert chunks(1, p0=1, p1=2) == [[(0, [0]), (1, [0])], [(1, [1])]]


def test_nothing_fetched_gives_nothing() -> None:
    assert chunks(2) == []
    assert chunks(2, p0=0) == []


def test_topics_have_chunks_of_their_own_and_take_turns() -> None:
    fetched = {TP(topic, 0): [Record(offset, 0, topic) for offset in range(count)] for topic, count in (("live", 1), ("bulk", 3))}
    found = [(tp.topic, [record.offset for _, run in chunk.value for record in run]) for tp, chunk in handed_over(2, fetched)]
    assert found == [("live", [0]), ("bulk", [0, 1]), ("bulk", [2])]


def test_a_chunk_stands_where_the_last_record_of_its_first_run_does() -> None:
    ((tp, chunk),) = handed_over(10, {TP("events", 4): [Record(7, 4), Record(9, 4)], TP("events", 5): [Record(1, 5)]})
    assert (tp, chunk.topic, chunk.partition, chunk.offset) == (TP("events", 4), "events", 4, 9)
    assert (chunk.key, chunk.headers, chunk.timestamp) == (None, (), 1_800_000_000_000)
