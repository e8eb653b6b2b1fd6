"""The fold agent's chunks: what is confirmed before what, and what becomes of them when a partition moves or a send fails."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from schemas.envelope import encode_event
from schemas.events import ClassEvent
from schemas.topics import Topics
from streams.agents.fold import FoldPolicy, FoldWork
from streams.domain.state import decode_state
from streams.engine.offsets import OffsetTracker
from streams.metrics import make_metrics
from tests.support.class_events import CLASS_ID, added, cancelled, rescheduled, scheduled
from tests.unit.agents.fakes import Broker, Table

TOPICS = Topics(tiers=())
INPUT, KEY = (TOPICS.class_events, 0), CLASS_ID.encode()
NOW = datetime(2027, 1, 1, tzinfo=UTC)
LONG_AFTER = datetime(2030, 1, 1, tzinfo=UTC)


@dataclass
class Record:
    value: bytes | None
    offset: int
    key: bytes | None = KEY
    headers: Sequence[tuple[str, bytes]] = ()
    timestamp: int = -1


def chunk(*events: ClassEvent, first: int = 0) -> list[Record]:
    values = [encode_event(event, id=f"event-{event.version}", time=NOW) for event in events]
    return [Record(value, first + number) for number, value in enumerate(values)]


class Fold:
    def __init__(self, depth: int = 16, cache: int = 1000) -> None:
        self.broker = Broker()
        self.table = Table(self.broker, "classes")
        self.offsets = OffsetTracker()
        self.crashes: list[BaseException] = []
        self.now = NOW
        self.work = FoldWork(
            topics=TOPICS,
            table=self.table,  # type: ignore[arg-type]
            producer=self.broker,  # type: ignore[arg-type]
            offsets=self.offsets,
            metrics=make_metrics().fold,
            policy=FoldPolicy(depth=depth, cache=cache),
            crash=self.crash,
            now=lambda: self.now,
        )

    async def crash(self, error: BaseException) -> None:
        self.crashes.append(error)
        self.offsets.close()

    async def take(self, records: list[Record]) -> None:
        await self.work.submit(TOPICS.class_events, [(0, records)], self.offsets.epoch)

    async def rebalance(self) -> None:
        self.offsets.suspend()
        await self.work.drain()
        self.offsets.reset()
        await self.work.tables_ready([0])
        self.offsets.resume()

    @property
    def topics(self) -> list[str]:
        return [topic for topic, _, _ in self.broker.sent]

    @property
    def version(self) -> int:
        row = self.table.get_row(0, KEY)
        return decode_state(row).version if row is not None else 0


@pytest.fixture
def fold() -> Fold:
    return Fold()


async def test_intents_are_confirmed_before_the_row_and_the_row_before_the_offset(fold: Fold) -> None:
    await fold.take(chunk(scheduled(), added(2)))
    assert fold.offsets.positions() == {}
    await fold.work.drain()
    assert fold.topics == [TOPICS.intents, "classes"]
    assert (fold.version, fold.offsets.positions()) == (2, {INPUT: 2})


async def test_chunks_overlap_and_end_in_order(fold: Fold) -> None:
    events: list[ClassEvent] = [scheduled(), added(2), rescheduled(3), cancelled(4)]
    for number, event in enumerate(events):
        await fold.take(chunk(event, first=number))
    await fold.work.drain()
    assert fold.broker.revisions(TOPICS.intents) == [2, 3, 4]
    assert (fold.version, fold.offsets.positions()) == (4, {INPUT: 4})


async def test_what_breaks_the_contract_is_set_aside_before_the_offset_passes_it(fold: Fold) -> None:
    await fold.take([Record(b"{", 0), *chunk(scheduled(), first=1)])
    await fold.work.drain()
    assert fold.topics == [TOPICS.class_events_dlq, "classes"]
    assert fold.offsets.positions() == {INPUT: 2}


def fails(topic: str, fold: Fold, monkeypatch: pytest.MonkeyPatch, times: int = 1) -> None:
    """The broker does not confirm the next sends to a topic."""
    send, left = fold.broker.send, [times]

    async def failing(to: str, *args: Any, **options: Any) -> asyncio.Future[Any]:
        if to == topic and left[0]:
            left[0] -= 1
            broken: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
            broken.set_exception(OSError("no broker"))
            return broken
        return await send(to, *args, **options)

    monkeypatch.setattr(fold.broker, "send", failing)


@pytest.mark.parametrize(("topic", "stored"), [(TOPICS.intents, 0), ("classes", 3)])
async def test_a_send_that_fails_crashes_the_worker_and_no_offset_after_it_is_released(
    fold: Fold, topic: str, stored: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No row is stored whose intents, or those of a chunk before it, were not told; a later row where an earlier one failed is in order."""
    fails(topic, fold, monkeypatch)
    await fold.take(chunk(scheduled(), added(2)))
    await fold.take(chunk(rescheduled(3), first=2))
    await fold.work.drain()
    assert str(fold.crashes[0]) == "no broker"
    assert (fold.version, fold.offsets.positions()) == (stored, {})


async def test_forgetting_never_mends_a_chain_that_broke(fold: Fold, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row of a later chunk holds what the failed one folded: once it is stored, the failed one's intents are never told."""
    await fold.rebalance()
    await fold.take(chunk(scheduled()))
    await fold.work.drain()
    fold.now = LONG_AFTER
    fails(TOPICS.intents, fold, monkeypatch)
    await fold.take(chunk(added(2), first=1))
    await fold.work.drain()
    await fold.work.forget()
    assert (fold.version, fold.topics) == (1, ["classes"])


async def test_nothing_is_begun_while_a_partition_moves_and_no_room_is_lost(fold: Fold) -> None:
    fold = Fold(depth=1)
    epoch = fold.offsets.epoch
    fold.offsets.suspend()
    for _ in range(3):
        await fold.work.submit(TOPICS.class_events, [(0, chunk(scheduled()))], epoch)
    await fold.rebalance()
    await fold.work.submit(TOPICS.class_events, [(0, chunk(scheduled()))], epoch)  # a straggler from before
    assert fold.topics == []
    await fold.take(chunk(scheduled()))
    await fold.work.drain()
    assert (fold.topics, fold.offsets.positions()) == (["classes"], {INPUT: 1})


async def test_draining_waits_for_every_chunk_that_was_begun(fold: Fold) -> None:
    await fold.take(chunk(scheduled(), added(2)))
    fold.offsets.suspend()
    await fold.work.drain()
    assert (fold.version, fold.offsets.positions()) == (2, {INPUT: 2})


async def test_after_a_rebalance_what_another_worker_wrote_counts(fold: Fold) -> None:
    await fold.take(chunk(scheduled()))
    await fold.rebalance()
    other = Fold()
    await other.take(chunk(scheduled(), added(2)))
    await other.work.drain()
    fold.table.rows = other.table.rows
    await fold.take(chunk(added(2), rescheduled(3)))
    await fold.work.drain()
    assert fold.broker.revisions(TOPICS.intents) == [3]


async def test_a_full_cache_is_emptied_without_losing_what_is_under_way() -> None:
    fold = Fold(cache=0)
    events: list[ClassEvent] = [scheduled(), added(2), rescheduled(3)]
    for number, event in enumerate(events):
        await fold.take(chunk(event, first=number))
    await fold.work.drain()
    assert (fold.version, fold.broker.revisions(TOPICS.intents)) == (3, [2, 3])


async def test_classes_long_past_are_forgotten_and_can_begin_anew(fold: Fold) -> None:
    await fold.rebalance()
    await fold.take(chunk(scheduled()))
    await fold.work.drain()
    await fold.work.forget()
    assert fold.version == 1
    fold.now = LONG_AFTER
    await fold.work.forget()
    assert fold.table.get_row(0, KEY) is None
    await fold.take(chunk(scheduled(5), added(6), first=1))
    await fold.work.drain()
    assert (fold.version, fold.broker.revisions(TOPICS.intents)) == (6, [6])


@pytest.mark.parametrize("moves", [lambda fold: fold.offsets.suspend(), lambda fold: fold.offsets.close()])
async def test_nothing_is_forgotten_while_a_partition_moves(fold: Fold, moves: Callable[[Fold], None]) -> None:
    await fold.rebalance()
    await fold.take(chunk(scheduled()))
    await fold.work.drain()
    fold.now = LONG_AFTER
    moves(fold)
    await fold.work.forget()
    assert fold.version == 1
