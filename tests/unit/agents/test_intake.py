"""Intents on their way in: how many at once, and what becomes of them when a partition moves."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from schemas.codec import encode
from schemas.intents import Intent, Lane
from schemas.outcomes import Reason
from schemas.topics import Topics
from streams.agents.agendas import Agendas
from streams.agents.intake import ExecutePolicy, ExecuteWork
from streams.agents.items import Forget, Item
from streams.domain.agenda import agenda_key, encode_agenda
from streams.engine.offsets import OffsetTracker
from streams.metrics import make_metrics
from tests.support.execution import ADA, CLASS_ID, agenda, intent
from tests.unit.agents.fakes import Broker, Table

TOPICS = Topics(tiers=())
INPUT = (TOPICS.intents, 0)
LONG_AFTER = datetime(2030, 1, 1, tzinfo=UTC)


@dataclass
class Record:
    value: bytes | None
    offset: int
    key: bytes | None = ADA.encode()
    headers: Sequence[tuple[str, bytes]] = ()
    timestamp: int = -1


class Intake:
    """With room for two records of the live lane, and an executor that finishes when it is let go."""

    def __init__(self) -> None:
        self.broker = Broker()
        self.table = Table(self.broker, "agenda")
        self.offsets = OffsetTracker()
        self.gate = asyncio.Event()
        self.ran: list[Item | Forget] = []
        self.wake: Any = None
        self.connections = SimpleNamespace(on_sweep=lambda *_args: None, tables_ready=lambda: None)
        services = SimpleNamespace(on_wake=self.on_wake, tables_ready=lambda: None)
        self.work = ExecuteWork(
            topics=TOPICS,
            producer=self.broker,  # type: ignore[arg-type]
            offsets=self.offsets,
            agendas=Agendas(topics=TOPICS, table=self.table, producer=self.broker, now=lambda: LONG_AFTER),  # type: ignore[arg-type]
            connections=self.connections,  # type: ignore[arg-type]
            events=SimpleNamespace(drain=self.nothing),  # type: ignore[arg-type]
            services=services,  # type: ignore[arg-type]
            executor=self.execute,  # type: ignore[arg-type]
            metrics=make_metrics().execute,
            policy=ExecutePolicy(unacked={Lane.LIVE: 2, Lane.BULK: 1}, drain=timedelta()),
            now=lambda: LONG_AFTER,
        )

    def on_wake(self, wake: Any) -> None:
        self.wake = wake

    async def nothing(self, _timeout: float) -> None:
        return None

    async def execute(self, _key: Any, orders: list[Item | Forget]) -> None:
        self.ran += orders
        await self.gate.wait()
        for order in orders:
            if isinstance(order, Item):
                order.done()

    async def take(self, *intents: Intent, first: int = 0, lane: Lane = Lane.LIVE, epoch: int | None = None) -> None:
        for number, each in enumerate(intents):
            record = Record(encode(each), first + number, each.provider_id.encode())
            await self.work.submit(lane, *INPUT, record, self.offsets.epoch if epoch is None else epoch)

    async def idle(self) -> None:
        while self.work.in_flight:  # noqa: ASYNC110 - each turn of the loop moves it on
            await asyncio.sleep(0)

    async def rebalance(self) -> None:
        self.offsets.suspend()
        await self.work.drain()
        self.offsets.reset()
        await self.work.tables_ready([0])
        self.offsets.resume()

    @property
    def revisions(self) -> list[int]:
        return [order.intent.revision for order in self.ran if isinstance(order, Item)]


async def turns() -> None:
    """As many as anything that could go on would need."""
    for _ in range(50):
        await asyncio.sleep(0)


@pytest.fixture
def intake() -> Intake:
    return Intake()


async def test_a_record_is_done_when_its_intent_is(intake: Intake) -> None:
    await intake.take(intent(1))
    assert intake.offsets.positions() == {}
    intake.gate.set()
    await intake.idle()
    assert intake.offsets.positions() == {INPUT: 1}


async def test_no_more_is_taken_than_there_is_room_for(intake: Intake) -> None:
    taking = asyncio.create_task(intake.take(intent(1), intent(2), intent(3)))
    await turns()
    assert (taking.done(), intake.offsets.unfinished()) == (False, 2)
    intake.gate.set()
    await taking
    await intake.idle()
    assert intake.offsets.positions() == {INPUT: 3}


async def test_one_lane_does_not_take_the_room_of_another(intake: Intake) -> None:
    await intake.take(intent(1), intent(2))
    await intake.take(intent(3), lane=Lane.BULK)
    assert intake.offsets.unfinished() == 3
    intake.gate.set()
    await intake.idle()


@pytest.mark.parametrize(
    "record", [Record(None, 0), Record(b"{", 0), Record(encode(intent(1)), 0, key=b"another"), Record(b"{}", 0, key=None)]
)
async def test_what_breaks_the_contract_is_set_aside_with_its_bytes_and_done(intake: Intake, record: Record) -> None:
    await intake.work.submit(Lane.LIVE, *INPUT, record, intake.offsets.epoch)
    assert intake.broker.sent == [(TOPICS.intents_dlq, record.key, record.value)]
    assert intake.offsets.positions() == {INPUT: 1}


async def test_after_a_rebalance_there_is_all_the_room_again_whatever_was_under_way(intake: Intake) -> None:
    for turn in range(3):
        waiting = asyncio.create_task(intake.take(intent(1), intent(2), intent(3), epoch=intake.offsets.epoch))
        await turns()
        assert (waiting.done(), intake.offsets.unfinished()) == (False, 2), turn
        await intake.rebalance()
        await asyncio.wait_for(waiting, 30)
        assert intake.offsets.unfinished() == 0
    intake.gate.set()
    await intake.take(intent(5), intent(6))
    await intake.idle()
    assert intake.offsets.positions() == {INPUT: 2}


async def test_a_straggler_from_before_a_rebalance_frees_no_room_and_moves_no_offset(intake: Intake) -> None:
    await intake.take(intent(1))
    (straggler,) = [order for order in await intake_ran(intake) if isinstance(order, Item)]
    await intake.rebalance()
    await intake.take(intent(2), intent(3))
    straggler.done()
    blocked = asyncio.create_task(intake.take(intent(4)))
    await turns()
    assert (blocked.done(), intake.offsets.positions()) == (False, {})
    intake.gate.set()
    await blocked
    await intake.idle()


async def intake_ran(intake: Intake) -> list[Item | Forget]:
    while not intake.ran:  # noqa: ASYNC110 - each turn of the loop moves it on
        await asyncio.sleep(0)
    return list(intake.ran)


async def test_records_of_before_a_rebalance_are_not_begun_after_it(intake: Intake) -> None:
    epoch = intake.offsets.epoch
    await intake.rebalance()
    await intake.take(intent(1), intent(2), intent(3), epoch=epoch)
    assert (intake.ran, intake.offsets.unfinished()) == ([], 0)


async def test_entries_that_rest_because_of_a_service_are_woken_by_whoever_gets_them(intake: Intake) -> None:
    rows = {
        agenda_key(ADA, "resting"): agenda(intent(7, class_id="resting"), class_id="resting", waiting=Reason.SERVICE_FAILING),
        agenda_key(ADA, "waiting"): agenda(intent(8, class_id="waiting"), class_id="waiting", waiting="not_connected"),
        agenda_key(ADA, "named so"): agenda(intent(9, class_id=Reason.SERVICE_FAILING), class_id=Reason.SERVICE_FAILING),
    }
    intake.table.rows.write({key: encode_agenda(row) for key, row in rows.items()}, None)
    await intake.rebalance()
    assert intake.broker.revisions(TOPICS.intents_bulk) == [7]


async def test_nobody_is_woken_from_memory_while_a_partition_moves(intake: Intake) -> None:
    intake.table.rows.write({agenda_key(ADA, CLASS_ID): encode_agenda(agenda(intent(7)))}, None)
    intake.offsets.suspend()
    await intake.wake([(0, agenda_key(ADA, CLASS_ID))])
    assert intake.broker.sent == []
    intake.offsets.resume()
    await intake.wake([(0, agenda_key(ADA, CLASS_ID)), (0, b"gone")])
    assert intake.broker.revisions(TOPICS.intents_bulk) == [7]


async def test_entries_long_past_are_forgotten_through_the_executor_but_not_while_a_partition_moves(intake: Intake) -> None:
    intake.table.rows.write({agenda_key(ADA, CLASS_ID): encode_agenda(agenda(intent(7)))}, None)
    await intake.rebalance()
    intake.offsets.suspend()
    await intake.work.forget()
    assert intake.work.in_flight == 0
    intake.offsets.resume()
    intake.gate.set()
    await intake.work.forget()
    await intake.idle()
    assert intake.ran == [Forget(today=LONG_AFTER.date(), days=30)]
