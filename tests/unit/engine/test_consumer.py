"""What is fetched and what is committed around a rebalance, against Faust's consumer with its network taken away."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import IllegalStateError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from streams.engine.consumer import SafeTransport
from streams.engine.offsets import OffsetTracker

P, Q = TP("events", 0), TP("events", 1)
CHANGELOG = TP("table-changelog", 0)


class Network:
    """What Faust's consumer would have asked its thread for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.fetched: dict[TP, list[Any]] = {P: [SimpleNamespace(offset=10), SimpleNamespace(offset=11)]}
        self.asked: list[set[TP] | None] = []
        self.seeks: list[Any] = []
        self.committed: dict[TP, int | None] = {P: 10, Q: 3, CHANGELOG: None}
        self.rebalancing = False
        self.answer = asyncio.Event()
        self.answer.set()
        monkeypatch.setattr(driver.Consumer, "_getmany", self.getmany)
        monkeypatch.setattr(driver.Consumer, "seek_to_committed", self.seek_to_committed)

    async def getmany(self, partitions: set[TP] | None, timeout: float) -> Any:
        self.asked.append(partitions)
        await self.answer.wait()
        return self.fetched

    async def seek_to_committed(self) -> Mapping[TP, int | None]:
        if self.rebalancing:
            raise IllegalStateError("not assigned")
        self.seeks.append("committed")
        return self.committed

    async def earliest_offsets(self, *partitions: TP) -> dict[TP, int]:
        return dict.fromkeys(partitions, 4)

    async def seek_wait(self, positions: Mapping[TP, int]) -> None:
        self.seeks.append(dict(positions))


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Network:
    return Network(monkeypatch)


@pytest.fixture
def offsets() -> OffsetTracker:
    return OffsetTracker()


@pytest.fixture
def consumer(network: Network, offsets: OffsetTracker) -> Any:
    made = object.__new__(SafeTransport.Consumer)
    made.app = SimpleNamespace(offsets=offsets, tables=SimpleNamespace(changelog_topics={"table-changelog"}))
    made._read_offset = defaultdict(lambda: None)
    made._committed_offset = defaultdict(lambda: None)
    made._handed = {}
    made.assignment = lambda: {P, Q, CHANGELOG}
    made.earliest_offsets, made.seek_wait = network.earliest_offsets, network.seek_wait
    return made


async def test_a_fetch_keeps_its_partitions_when_the_active_set_turns_empty_meanwhile(consumer: Any, network: Network) -> None:
    active = {P, Q}
    network.answer.clear()
    fetch = asyncio.create_task(consumer._getmany(active, 1.0))
    await asyncio.sleep(0)
    active.clear()
    network.answer.set()
    assert await fetch == network.fetched
    assert network.asked == [{P, Q}]


async def test_what_was_fetched_before_a_rebalance_is_not_handed_over_after_it_but_read_again(
    consumer: Any, network: Network, offsets: OffsetTracker
) -> None:
    network.answer.clear()
    fetch = asyncio.create_task(consumer._getmany({P}, 1.0))
    await asyncio.sleep(0)
    offsets.suspend()
    offsets.reset()
    offsets.resume()
    network.answer.set()
    assert await fetch == {}
    assert network.seeks == []
    assert await consumer._getmany({P}, 1.0) == network.fetched
    assert network.seeks == ["committed"]
    assert await consumer._getmany({P}, 1.0) == network.fetched
    assert network.seeks == ["committed"]


async def test_what_arrives_while_a_partition_moves_is_read_again(consumer: Any, network: Network, offsets: OffsetTracker) -> None:
    offsets.suspend()
    assert await consumer._getmany({P}, 1.0) == {}
    offsets.resume()
    assert await consumer._getmany({P}, 1.0) == network.fetched
    assert network.seeks == ["committed"]


async def test_reading_again_waits_until_a_rebalance_is_over(consumer: Any, network: Network, offsets: OffsetTracker) -> None:
    offsets.suspend()
    await consumer._getmany({P}, 1.0)
    offsets.resume()
    network.rebalancing = True
    assert await consumer._getmany({P}, 1.0) == {}
    network.rebalancing = False
    assert await consumer._getmany({P}, 1.0) == network.fetched


async def test_an_empty_fetch_over_a_rebalance_costs_nothing(consumer: Any, network: Network, offsets: OffsetTracker) -> None:
    network.fetched = {}
    offsets.suspend()
    await consumer._getmany({P}, 1.0)
    offsets.resume()
    await consumer._getmany({P}, 1.0)
    assert network.seeks == []


@pytest.mark.parametrize("nothing", [None, 0])
async def test_going_back_to_what_is_committed_includes_partitions_without_a_commit(
    consumer: Any, network: Network, nothing: int | None
) -> None:
    network.committed[P] = nothing
    await consumer.perform_seek()
    assert network.seeks == ["committed", {P: 4}]


async def test_records_that_were_removed_before_they_were_read_are_told(
    consumer: Any, network: Network, caplog: pytest.LogCaptureFixture
) -> None:
    """The worker was away for longer than its topic keeps records: the client would go on with what is left as if nothing had been."""
    await consumer.perform_seek()
    assert [(record.partition, record.missed) for record in caplog.records] == [(Q.partition, 1)]  # type: ignore[attr-defined]
    assert network.seeks == ["committed"]


async def test_only_what_the_tracker_says_is_committed_and_never_backwards(consumer: Any, offsets: OffsetTracker) -> None:
    first = offsets.open(tuple(P), 10)
    offsets.finish(offsets.open(tuple(P), 11))
    offsets.finish(offsets.open(tuple(Q), 5))
    assert consumer._filter_committable_offsets(consumer._filter_tps_with_pending_acks()) == {Q: 6}
    offsets.finish(first)
    assert consumer._filter_committable_offsets(consumer._filter_tps_with_pending_acks()) == {P: 12, Q: 6}
    consumer._committed_offset.update({P: 12, Q: 7})
    assert consumer._filter_committable_offsets(consumer._filter_tps_with_pending_acks()) == {}


@pytest.mark.parametrize("topics", [{"events"}, {P, Q}])
async def test_a_commit_of_some_topics_is_of_those_alone(consumer: Any, offsets: OffsetTracker, topics: set[Any]) -> None:
    for partition in (P, Q, TP("other", 0)):
        offsets.finish(offsets.open(tuple(partition), 0))
    assert set(consumer._filter_tps_with_pending_acks(topics)) == {P, Q}


async def test_faust_keeps_no_book_of_gaps(consumer: Any) -> None:
    consumer._gap = {}
    await consumer._add_gap(P, 0, 10_000_000)
    assert consumer._gap == {}


@pytest.mark.parametrize(("following", "finished", "holds"), [(13, 12, True), (13, 11, False), (12, 12, False), (None, 12, False)], ids=str)
async def test_marks_alone_follow_when_all_that_was_handed_over_is_finished_and_the_next_fetch_begins_at_the_end(
    consumer: Any, following: int | None, finished: int, holds: bool
) -> None:
    consumer._thread = SimpleNamespace(next_offset=lambda tp: following)
    consumer.highwater = lambda tp: 13
    await consumer._getmany({P}, 1.0)
    assert consumer.only_marks_follow(P, finished) is holds
