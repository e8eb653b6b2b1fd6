"""The lease: work goes on only while the brokers certainly count this process as a member of its group."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from aiokafka.protocol.group import HeartbeatRequest, JoinGroupRequest, LeaveGroupRequest, SyncGroupRequest

from streams.engine.lease import Lease, LeaseExpiredError
from streams.settings import SettingError

HEARTBEAT, SYNC, LEAVE = HeartbeatRequest("g", 1, "m"), SyncGroupRequest("g", 1, "m", None, []), LeaveGroupRequest("g", "m")
JOIN = JoinGroupRequest("g", 30_000, 60_000, "", None, "consumer", [])
INVALID_SESSION = 26
OK, UNKNOWN_MEMBER, ILLEGAL_GENERATION, REBALANCE, NOT_COORDINATOR = 0, 25, 22, 27, 16


@dataclass(frozen=True)
class Answer:
    error_code: int


class Brokers:
    """A coordinator's `_send_req`, and the clock: an answer takes `seconds`."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.answer = OK
        self.seconds = 0.0
        self.lost: list[str] = []
        self.refused: list[SettingError] = []
        self.lease = Lease(
            session=timedelta(seconds=30), on_lost=self.lost.append, on_refused=self.refuse, clock=lambda: self.now, patience=5
        )
        self.lease.watch(self)

    async def refuse(self, error: SettingError) -> None:
        self.refused.append(error)

    async def _send_req(self, request: Any) -> Answer:
        self.now += self.seconds
        return Answer(self.answer)

    async def ask(self, request: Any, answer: int = OK, *, seconds: float = 0.0) -> None:
        self.answer, self.seconds = answer, seconds
        await self._send_req(request)


@pytest.fixture
def brokers() -> Brokers:
    return Brokers()


@pytest.mark.parametrize("request_", [HEARTBEAT, SYNC])
async def test_an_answer_renews_it_from_when_it_was_asked(brokers: Brokers, request_: Any) -> None:
    assert brokers.lease.left < 0
    await brokers.ask(request_, seconds=4)
    assert brokers.lease.left == pytest.approx(26)
    brokers.now += 27
    assert brokers.lease.left < 0


async def test_a_heartbeat_during_a_rebalance_keeps_it(brokers: Brokers) -> None:
    await brokers.ask(HEARTBEAT, REBALANCE)
    assert brokers.lease.left == pytest.approx(30)


@pytest.mark.parametrize(("request_", "answer"), [(HEARTBEAT, NOT_COORDINATOR), (SYNC, REBALANCE), (LEAVE, OK)])
async def test_no_other_answer_renews_it(brokers: Brokers, request_: Any, answer: int) -> None:
    await brokers.ask(request_, answer)
    assert brokers.lease.left < 0
    assert brokers.lost == []


@pytest.mark.parametrize("answer", [UNKNOWN_MEMBER, ILLEGAL_GENERATION])
async def test_a_member_that_was_thrown_out_has_lost_it(brokers: Brokers, answer: int) -> None:
    await brokers.ask(HEARTBEAT)
    await brokers.ask(HEARTBEAT, answer)
    assert brokers.lease.left < 0
    assert len(brokers.lost) == 1


async def test_one_that_joins_has_nothing_to_lose(brokers: Brokers) -> None:
    await brokers.ask(SYNC, UNKNOWN_MEMBER)
    assert brokers.lost == []


async def test_a_session_that_the_brokers_do_not_take_is_told_and_nothing_else_is(brokers: Brokers) -> None:
    for answer in (OK, UNKNOWN_MEMBER, REBALANCE):
        await brokers.ask(JOIN, answer)
    assert brokers.refused == []
    await brokers.ask(JOIN, INVALID_SESSION)
    assert [str(error).partition(".")[0] for error in brokers.refused] == ["IMPACT_SESSION_TIMEOUT is 30s, which the brokers refuse"]
    assert brokers.lease.left < 0


async def test_whoever_asks_waits_until_it_lasts_long_enough(brokers: Brokers) -> None:
    await brokers.ask(HEARTBEAT)
    brokers.now += 25
    await brokers.lease.hold(5)
    waiting = asyncio.create_task(brokers.lease.hold(10))
    await asyncio.sleep(0)
    assert not waiting.done()
    await brokers.ask(HEARTBEAT)
    await waiting


async def test_nobody_waits_for_ever(brokers: Brokers) -> None:
    waiting = asyncio.create_task(brokers.lease.hold(1))
    await asyncio.sleep(0)
    brokers.now += 6
    with pytest.raises(LeaseExpiredError, match="membership"):
        await waiting
