"""How records gather for a request: what goes at once, what waits for company, and what becomes of them when a batch fails."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from streams.engine import outbox
from streams.engine.outbox import Outbox, Record

TOPIC = "intents"


class Batch:
    """As many records as `room`."""

    def __init__(self, room: int) -> None:
        self.records: list[bytes | None] = []
        self._room = room

    def append(self, *, key: bytes | None, value: bytes | None, timestamp: int | None, headers: list[Any]) -> object | None:
        if value == b"no record":
            raise TypeError("not bytes")
        if len(self.records) == self._room:
            return None
        self.records.append(value)
        return object()

    def close(self) -> None:
        """It takes no more."""


class Producer:
    """Confirms a batch when told to."""

    def __init__(self, room: int = 1_000_000) -> None:
        self.sent: list[tuple[int, list[bytes | None]]] = []
        self.waiting: list[tuple[int, int, asyncio.Future[Any]]] = []
        self.ends: dict[int, int] = {}
        self._room = room

    def create_batch(self) -> Batch:
        return Batch(self._room)

    async def send_batch(self, batch: Batch, topic: str, *, partition: int) -> asyncio.Future[Any]:
        self.sent.append((partition, batch.records))
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.waiting.append((partition, len(batch.records), future))
        return future

    async def confirm(self, error: Exception | None = None) -> None:
        """The oldest batch that waits."""
        partition, count, future = self.waiting.pop(0)
        first = self.ends.get(partition, 0)
        if error is not None:
            future.set_exception(error)
        else:
            self.ends[partition] = first + count
            future.set_result(SimpleNamespace(offset=first))
        await settle()


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def records(*values: bytes) -> list[Record]:
    return [(b"key", value, []) for value in values]


class Clock:
    """Stands still unless moved; then the timers that are due fire, in order."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.timers: list[tuple[float, Callable[[], None]]] = []

    def __call__(self) -> float:
        return self.now

    def call_later(self, wait: float, then: Callable[[], None]) -> Any:
        timer = (self.now + wait, then)
        self.timers.append(timer)
        return SimpleNamespace(cancel=lambda: self.timers.remove(timer))

    async def move(self, seconds: float) -> None:
        self.now += seconds
        due = sorted((timer for timer in self.timers if timer[0] <= self.now), key=lambda timer: timer[0])
        for timer in due:
            self.timers.remove(timer)
            timer[1]()
        await settle()


class Sender:
    def __init__(self, producer: Producer, clock: Clock | None = None) -> None:
        clock = clock or Clock()
        self.box = Outbox(producer, clock=clock, call_later=clock.call_later)
        self.offsets: list[int] = []

    def put(self, *values: bytes, partition: int = 0, later: bool = False) -> asyncio.Future[int]:
        return self.box.put(TOPIC, partition, records(*values), self.offsets.append, later)


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def test_a_record_that_comes_alone_goes_at_once_and_resolves_with_its_offset() -> None:
    producer = Producer()
    sender = Sender(producer)
    sent = sender.put(b"1")
    await settle()
    assert producer.sent == [(0, [b"1"])]
    await producer.confirm()
    assert (await sent, sender.offsets) == (0, [0])


async def test_what_comes_in_one_step_of_the_loop_shares_a_batch() -> None:
    producer = Producer()
    sender = Sender(producer)
    sends = [sender.put(b"1"), sender.put(b"2", b"3"), sender.put(b"other", partition=1)]
    await settle()
    assert producer.sent == [(0, [b"1", b"2", b"3"]), (1, [b"other"])]
    await producer.confirm()
    await producer.confirm()
    assert [await send for send in sends] == [0, 2, 0]


async def test_a_partition_has_one_batch_under_way_and_the_next_gathers_meanwhile(clock: Clock) -> None:
    producer = Producer()
    sender = Sender(producer, clock)
    sender.put(b"1")
    await settle()
    for value in (b"2", b"3"):
        sender.put(value)
        await clock.move(1)
    assert producer.sent == [(0, [b"1"])]
    await producer.confirm()
    assert producer.sent == [(0, [b"1"]), (0, [b"2", b"3"])]


async def test_another_partition_does_not_wait_for_a_busy_one(clock: Clock) -> None:
    producer = Producer()
    sender = Sender(producer, clock)
    sender.put(b"1")
    await settle()
    await clock.move(1)
    sender.put(b"2", partition=1)
    await settle()
    assert producer.sent == [(0, [b"1"]), (1, [b"2"])]


async def test_rounds_of_requests_keep_their_distance(clock: Clock) -> None:
    producer = Producer()
    sender = Sender(producer, clock)
    sender.put(b"1")
    await settle()
    sender.put(b"2", partition=1)
    await settle()
    assert len(producer.sent) == 1
    await clock.move(outbox.DISTANCE_SECONDS)
    assert producer.sent == [(0, [b"1"]), (1, [b"2"])]


async def test_what_nobody_waits_for_waits_for_company(clock: Clock) -> None:
    producer = Producer()
    sender = Sender(producer, clock)
    sender.put(b"1", later=True)
    sender.put(b"2", later=True, partition=1)
    await settle()
    assert producer.sent == []
    sender.put(b"3")
    await settle()
    assert producer.sent == [(0, [b"1", b"3"])]
    await clock.move(outbox.LATER_SECONDS)
    assert producer.sent == [(0, [b"1", b"3"]), (1, [b"2"])]


async def test_many_records_need_no_company() -> None:
    producer = Producer()
    sender = Sender(producer)
    sender.put(*[b"x"] * outbox.FULL, later=True)
    await settle()
    assert [len(values) for _, values in producer.sent] == [outbox.FULL]


async def test_a_send_may_take_several_batches_and_resolves_with_the_last(clock: Clock) -> None:
    producer = Producer(room=2)
    sender = Sender(producer, clock)
    long, short = sender.put(b"1", b"2", b"3"), sender.put(b"4")
    await settle()
    await producer.confirm()
    assert not long.done()
    await clock.move(outbox.DISTANCE_SECONDS)
    await producer.confirm()
    assert [values for _, values in producer.sent] == [[b"1", b"2"], [b"3", b"4"]]
    assert (await long, await short, sender.offsets) == (2, 3, [2, 3])


async def test_where_one_of_several_batches_fails_the_rest_of_the_send_is_not_sent_and_what_comes_after_is(clock: Clock) -> None:
    producer = Producer(room=2)
    sender = Sender(producer, clock)
    long, short = sender.put(b"1", b"2", b"3"), sender.put(b"4")
    await settle()
    await producer.confirm(OSError("refused"))
    await clock.move(outbox.DISTANCE_SECONDS)
    await producer.confirm()
    with pytest.raises(OSError, match="refused"):
        await long
    assert ([values for _, values in producer.sent], await short) == ([[b"1", b"2"], [b"4"]], 0)


async def test_what_is_no_record_fails_and_the_partition_goes_on(clock: Clock) -> None:
    producer = Producer()
    sender = Sender(producer, clock)
    bad = sender.put(b"no record")
    good = sender.put(b"1")
    await settle()
    await clock.move(outbox.DISTANCE_SECONDS)
    with pytest.raises(TypeError):
        await bad
    await producer.confirm()
    assert await good == 0


async def test_who_gave_up_waiting_stops_nobody() -> None:
    producer = Producer()
    sender = Sender(producer)
    first, second = sender.put(b"1"), sender.put(b"2")
    first.cancel()
    await settle()
    await producer.confirm()
    assert (await second, sender.offsets) == (1, [0, 1])


async def test_emptying_sends_what_would_go_later_and_returns_when_all_is_on_its_way(clock: Clock) -> None:
    producer = Producer(room=1)
    sender = Sender(producer, clock)
    sends = [sender.put(b"1", later=True), sender.put(b"2", later=True)]
    emptying = asyncio.create_task(sender.box.empty())
    await settle()
    await producer.confirm()
    await clock.move(outbox.DISTANCE_SECONDS)
    await emptying
    assert [values for _, values in producer.sent] == [[b"1"], [b"2"]]
    await producer.confirm()
    assert [await send for send in sends] == [0, 1]


async def test_a_producer_that_was_stopped_fails_what_is_under_way() -> None:
    producer = Producer()
    sender = Sender(producer)
    sent = sender.put(b"1")
    await settle()
    producer.waiting[0][2].cancel()
    with pytest.raises(ConnectionAbortedError):
        await sent
