"""Writes in a chain: in the order in which they were begun, and none behind one that failed."""

import asyncio

import pytest

from streams.agents.write_chain import Turn, WriteChain


@pytest.fixture
async def chain() -> WriteChain:
    return WriteChain()


async def test_a_write_waits_until_all_before_are_on_their_way_but_not_for_their_confirmation(chain: WriteChain) -> None:
    order: list[str] = []
    may_begin, confirmed = asyncio.Event(), asyncio.Event()

    async def first(turn: Turn) -> None:
        await may_begin.wait()
        order.append("first on its way")
        turn.pass_on()
        await confirmed.wait()
        order.append("first confirmed")

    async def second(turn: Turn) -> None:
        await turn.come()
        order.append("second on its way")
        turn.pass_on()
        confirmed.set()

    chain.begin(first)
    chain.begin(second)
    may_begin.set()
    await chain.settle()
    assert order == ["first on its way", "second on its way", "first confirmed"]


async def test_nothing_is_written_behind_a_write_that_failed(chain: WriteChain) -> None:
    written: list[int] = []

    async def failing(turn: Turn) -> None:
        turn.break_off(ConnectionError("the broker is gone"))

    async def writing(turn: Turn) -> None:
        try:
            await turn.come()
        except BaseException as error:
            turn.break_off(error)
            raise
        written.append(1)

    chain.begin(failing)
    behind = [chain.begin(writing) for _ in range(2)]
    await chain.settle()
    assert [type(task.exception()) for task in behind] == [ConnectionError, ConnectionError]
    assert written == []


async def test_after_a_reset_a_write_waits_for_none_before(chain: WriteChain) -> None:
    never = asyncio.Event()

    async def stuck(_turn: Turn) -> None:
        await never.wait()

    async def writing(turn: Turn) -> None:
        await turn.come()
        turn.pass_on()

    before = chain.begin(stuck)
    chain.reset()
    await chain.begin(writing)
    never.set()
    await before
