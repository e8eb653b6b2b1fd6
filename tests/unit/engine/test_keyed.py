"""Work in order per key, side by side over keys, and what happens to it when it has to stop."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Hashable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.engine.keyed import KeyedExecutor


class Work:
    """Runs what it is given; a key that is held waits until it is let go. Asserts that no key ever runs twice at once."""

    def __init__(self, *, parallel: int = 100, per_group: int = 4) -> None:
        self.executor: KeyedExecutor[int] = KeyedExecutor(self.run, parallel=parallel, per_group=per_group)
        self.batches: dict[Hashable, list[list[int]]] = defaultdict(list)
        self.running: Counter[Hashable] = Counter()
        self.cancelled: list[Hashable] = []
        self.gates: dict[Hashable, asyncio.Event] = {}
        self.most = 0
        self.changed = asyncio.Condition()

    async def run(self, key: Hashable, items: list[int]) -> None:
        self.running[key] += 1
        assert self.running[key] == 1, "a key runs twice at once"
        self.most = max(self.most, self.running.total())
        self.batches[key].append(items)
        await self.notify()
        try:
            await self.gates.get(key, _open()).wait()
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            self.cancelled.append(key)
            raise
        finally:
            self.running[key] -= 1
            await self.notify()

    async def notify(self) -> None:
        async with self.changed:
            self.changed.notify_all()

    def hold(self, *keys: Hashable) -> None:
        for key in keys:
            self.gates[key] = asyncio.Event()

    def let_go(self, *keys: Hashable) -> None:
        for key in keys:
            self.gates[key].set()

    async def until(self, running: int) -> None:
        async with self.changed:
            await self.changed.wait_for(lambda: self.running.total() == running)

    async def idle(self) -> None:
        await idle(self.executor)

    def done(self, key: Hashable) -> list[int]:
        return [item for batch in self.batches[key] for item in batch]


async def idle(executor: KeyedExecutor[int]) -> None:
    while executor.in_flight:  # noqa: ASYNC110 - each turn of the loop moves it on
        await asyncio.sleep(0)


def _open() -> asyncio.Event:
    gate = asyncio.Event()
    gate.set()
    return gate


async def test_items_of_a_key_run_in_order_and_a_burst_collapses() -> None:
    work = Work()
    work.hold("a")
    for item in range(5):
        work.executor.submit("a", "mailbox", item)
        if item == 0:
            await work.until(running=1)
    work.let_go("a")
    await work.idle()
    assert work.batches["a"] == [[0], [1, 2, 3, 4]]


async def test_keys_run_side_by_side() -> None:
    work = Work()
    work.hold("slow")
    work.executor.submit("slow", "one", 1)
    work.executor.submit("quick", "another", 2)
    await work.until(running=1)
    assert work.done("quick") == [2]
    work.let_go("slow")
    await work.idle()


async def test_a_group_has_so_many_at_once_and_the_others_wait_their_turn() -> None:
    work = Work(per_group=2)
    keys = [f"key-{number}" for number in range(5)]
    work.hold(*keys)
    for key in keys:
        work.executor.submit(key, "mailbox", 1)
    await work.until(running=2)
    assert list(work.batches) == keys[:2]
    assert work.executor.in_flight == 2
    work.let_go(*keys)
    await work.idle()
    assert (work.most, list(work.batches)) == (2, keys)


async def test_a_full_group_does_not_hold_up_another() -> None:
    work = Work(per_group=1)
    work.hold("a")
    for key in ("a", "b"):
        work.executor.submit(key, "full", 1)
    work.executor.submit("c", "free", 1)
    await work.until(running=1)
    assert work.done("c") == [1]
    assert work.done("b") == []
    work.let_go("a")
    await work.idle()
    assert work.done("b") == [1]


async def test_items_for_a_key_that_waits_for_its_group_collapse_too() -> None:
    work = Work(per_group=1)
    work.hold("a")
    work.executor.submit("a", "mailbox", 1)
    for item in (1, 2, 3):
        work.executor.submit("b", "mailbox", item)
    work.let_go("a")
    await work.idle()
    assert work.batches["b"] == [[1, 2, 3]]


async def test_over_all_so_many_run_at_once() -> None:
    work = Work(parallel=3)
    keys = [f"key-{number}" for number in range(10)]
    work.hold(*keys)
    for key in keys:
        work.executor.submit(key, key, 1)
    await work.until(running=3)
    work.let_go(*keys)
    await work.idle()
    assert work.most == 3
    assert all(work.done(key) == [1] for key in keys)


async def test_a_failure_leaves_room_for_others() -> None:
    asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
    seen: list[Hashable] = []

    async def run(key: Hashable, _items: list[int]) -> None:
        seen.append(key)
        if key == "bad":
            raise RuntimeError("bad")

    executor: KeyedExecutor[int] = KeyedExecutor(run, parallel=1, per_group=1)
    for key in ("bad", "good", "bad"):
        executor.submit(key, "mailbox", 1)
    await idle(executor)
    executor.submit("bad", "mailbox", 2)
    await idle(executor)
    assert seen == ["bad", "good", "bad"]


async def test_draining_waits_for_what_runs_and_begins_nothing_more() -> None:
    work = Work(per_group=1)
    work.hold("a")
    work.executor.submit("a", "mailbox", 1)
    await work.until(running=1)
    work.executor.submit("a", "mailbox", 2)
    work.executor.submit("b", "mailbox", 3)
    drained = asyncio.create_task(work.executor.drain(timeout=60))
    await asyncio.sleep(0)
    work.executor.submit("c", "other", 4)
    work.let_go("a")
    assert await drained == 0
    assert {key: work.done(key) for key in "abc"} == {"a": [1], "b": [], "c": []}
    assert work.executor.in_flight == 0


async def test_what_takes_too_long_is_cancelled_and_has_ended_when_draining_ends() -> None:
    work = Work()
    work.hold("a", "b")
    for key in ("a", "b"):
        work.executor.submit(key, key, 1)
    await work.until(running=2)
    assert await work.executor.drain(timeout=0) == 2
    assert sorted(map(str, work.cancelled)) == ["a", "b"]
    assert work.running.total() == 0


async def test_draining_ends_those_that_wait_for_a_slot() -> None:
    work = Work(parallel=1)
    work.hold("a")
    for key in ("a", "b", "c"):
        work.executor.submit(key, key, 1)
    await work.until(running=1)
    assert await work.executor.drain(timeout=0) == 3
    assert work.done("b") == work.done("c") == []


async def test_a_slot_that_gets_free_while_draining_begins_nothing() -> None:
    """With hundreds in the queue the drain would last until its time is up, and calls that just began would be cancelled."""
    work = Work(parallel=1)
    work.hold("a")
    for key in ("a", "b"):
        work.executor.submit(key, key, 1)
    await work.until(running=1)
    drained = asyncio.create_task(work.executor.drain(timeout=60))
    await asyncio.sleep(0)
    work.let_go("a")
    assert await drained == 0
    assert (work.done("a"), work.done("b")) == ([1], [])


@pytest.mark.parametrize("timeout", [0, 60])
async def test_after_draining_everything_is_taken_again_with_all_its_room(timeout: float) -> None:
    work = Work(parallel=2, per_group=1)
    work.hold("a")
    for key in ("a", "b", "c"):
        work.executor.submit(key, "mailbox", 1)
    await work.until(running=1)
    drained = asyncio.create_task(work.executor.drain(timeout))
    await asyncio.sleep(0)
    work.let_go("a")
    await drained
    for key in ("d", "e", "a"):
        work.executor.submit(key, "mailbox", 2)
    await work.idle()
    assert [work.done(key)[-1] for key in ("d", "e", "a")] == [2, 2, 2]


async def test_draining_an_idle_executor_does_nothing() -> None:
    assert await Work().executor.drain(timeout=60) == 0


@given(
    jobs=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), max_size=40),
    parallel=st.integers(1, 5),
    per_group=st.integers(1, 3),
)
@settings(deadline=None, max_examples=60)
def test_everything_runs_once_in_order_within_every_limit(jobs: list[tuple[int, int]], parallel: int, per_group: int) -> None:
    """A job is a key and how often others get a turn before the next is submitted; two keys share a group."""

    async def run() -> None:
        work, most = Work(parallel=parallel, per_group=per_group), 0
        wanted: dict[int, list[int]] = defaultdict(list)
        for number, (key, turns) in enumerate(jobs):
            wanted[key].append(number)
            work.executor.submit(key, key // 2, number)
            for _ in range(turns):
                await asyncio.sleep(0)
                groups = Counter(int(str(running)) // 2 for running in work.running.elements())
                most = max(most, max(groups.values(), default=0))
        await work.idle()
        assert {key: work.done(key) for key in wanted} == wanted
        assert work.most <= parallel
        assert most <= per_group

    asyncio.run(run())
