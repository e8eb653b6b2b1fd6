"""Workers that come and go while input waits: every record is counted, none twice, none left out."""

import random

import pytest

from tests.integration.engine.conftest import AFTER_A_KILL, Tallying
from tests.support.waiting import eventually

pytestmark = pytest.mark.kafka

NUMBERS = 300


async def give_many(tallying: Tallying, start: int, end: int) -> None:
    for partition in range(tallying.partitions):
        for key in range(5):
            await tallying.give(f"k{partition}_{key}", range(start, end), partition)


def everything(tallying: Tallying, end: int) -> dict[str, int]:
    return {f"k{partition}_{key}": end - 1 for partition in range(tallying.partitions) for key in range(5)}


async def moved(tallying: Tallying) -> None:
    """Until the table grew since now, so that the next rebalance meets work under way."""
    before = sum(row["last"] for row in (await tallying.rows()).values())

    async def probe() -> bool:
        now = sum(row["last"] for row in (await tallying.rows()).values())
        return now > before or now == sum(everything(tallying, NUMBERS).values())

    await eventually(probe, what="more counts")


@pytest.mark.parametrize("store", ["memory", "rocksdb"])
async def test_input_delivered_around_table_recovery_is_not_lost(tallying: Tallying, store: str) -> None:
    """Many records wait; a second worker comes, goes and is killed, over and over, from before the first commit on."""
    tallying.store, tallying.partitions, tallying.patience, tallying.session = store, 4, 2.0, AFTER_A_KILL
    await tallying.make_topics()
    await give_many(tallying, 0, NUMBERS)
    chance = random.Random(store)
    first = tallying.worker().start()
    second = tallying.worker().start()
    for turn in range(4):
        await (first if turn % 2 else second).wait_for_output("Worker ready")
        if chance.random() < 0.5:
            await moved(tallying)
        leaves = second if turn % 2 else first
        if chance.random() < 0.5:
            leaves.kill()
        else:
            assert leaves.terminate() == 0
        leaves.start()
    await tallying.counted(**everything(tallying, NUMBERS))
    await give_many(tallying, NUMBERS, NUMBERS + 20)
    await tallying.counted(**everything(tallying, NUMBERS + 20))
    each = 5 * (NUMBERS + 20)
    await tallying.until_committed(**{f"p{number}": each for number in range(4)})
    assert await tallying.committed() == dict.fromkeys(range(4), each)


async def test_two_workers_on_one_machine_use_different_slots_and_share_the_partitions(tallying: Tallying) -> None:
    await tallying.make_topics()
    first, second = await tallying.start(), await tallying.start()
    assert {path.name for path in tallying.data.iterdir()} == {"tally-0", "tally-1"}

    async def held() -> list[str]:
        return [worker.output.rpartition("holds ")[2].partition("\n")[0] for worker in (first, second)]

    async def shared() -> bool:
        return sorted(await held()) == ["[0]", "[1]"]

    await eventually(shared, what="one partition each")
    await tallying.give("a", range(10), partition=0)
    await tallying.give("b", range(10), partition=1)
    await tallying.counted(a=9, b=9)
    assert [first.terminate(), second.terminate()] == [0, 0]


async def test_a_worker_that_takes_over_goes_on_with_the_rows_of_the_one_that_was_killed(tallying: Tallying) -> None:
    tallying.session = AFTER_A_KILL
    await tallying.make_topics()
    first = await tallying.start()
    await tallying.give("a", range(50), partition=0)
    await tallying.counted(a=49)
    first.kill()
    await tallying.give("a", range(50, 60), partition=0)
    await tallying.start()
    await tallying.counted(a=59)
