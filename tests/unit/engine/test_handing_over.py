"""Messages on their way from a fetch to the stream: in one step while there is room, and given up when a partition moves."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import ConsumerStoppedError
from mode.utils.locks import Event

from streams.engine.consumer import SafeTransport


class Stream:
    """Takes messages while it has room."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.room = asyncio.Event()
        self.room.set()
        self.given_up: list[str] = []

    async def take(self, message: str) -> None:
        try:
            await self.room.wait()
        except asyncio.CancelledError:
            self.given_up.append(message)
            raise
        self.taken.append(message)


async def turns() -> None:
    """As many of the loop as anything that could go on would need."""
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.fixture
def stream() -> Stream:
    return Stream()


@pytest.fixture
async def consumer(stream: Stream) -> Any:
    made = object.__new__(SafeTransport.Consumer)
    made.loop = asyncio.get_running_loop()
    made.app = SimpleNamespace(should_stop=False)
    made.callback = stream.take
    made.consumer_stopped_errors = (ConsumerStoppedError,)
    made._stopped, made._crashed, made.suspend_flow = Event(), Event(), Event()
    return made


async def test_a_message_is_with_the_stream_when_it_was_handed_over(consumer: Any, stream: Stream) -> None:
    await consumer._hand_over("a")
    assert stream.taken == ["a"]


async def test_a_stream_that_is_behind_is_waited_for(consumer: Any, stream: Stream) -> None:
    stream.room.clear()
    handing = asyncio.create_task(consumer._hand_over("a"))
    await turns()
    assert not handing.done()
    stream.room.set()
    await handing
    assert stream.taken == ["a"]


async def test_while_a_partition_moves_nobody_waits_for_a_stream(consumer: Any, stream: Stream) -> None:
    stream.room.clear()
    handing = asyncio.create_task(consumer._hand_over("a"))
    await turns()
    consumer.suspend_flow.set()
    await handing
    await turns()
    stream.room.set()
    assert (stream.taken, stream.given_up) == ([], ["a"])


async def test_what_fails_on_the_way_is_told(consumer: Any) -> None:
    async def broken(_message: str) -> None:
        raise RuntimeError("broken")

    consumer.callback = broken
    with pytest.raises(RuntimeError, match="broken"):
        await consumer._hand_over("a")


class Fetches:
    """One message a fetch; after the last one whatever comes then."""

    def __init__(self, *messages: str, then: BaseException | None = None, stops: Any = None) -> None:
        self.messages = list(messages)
        self.then = then
        self.stops = stops

    async def __call__(self, timeout: float) -> AsyncIterator[tuple[None, str]]:
        if self.messages:
            yield None, self.messages.pop(0)
        elif self.then is not None:
            raise self.then
        else:
            self.stops.set()


async def test_it_drains_until_the_fetcher_is_stopped(consumer: Any, stream: Stream) -> None:
    fetcher = SimpleNamespace(_stopped=Event())
    consumer.getmany = Fetches("a", "b", stops=fetcher._stopped)
    await consumer._drain_messages(fetcher)
    assert stream.taken == ["a", "b"]


@pytest.mark.parametrize("end", [ConsumerStoppedError(), asyncio.CancelledError()], ids=["stopped", "cancelled"])
async def test_being_stopped_with_the_app_is_no_failure_and_otherwise_is_one(consumer: Any, end: BaseException) -> None:
    fetcher = SimpleNamespace(_stopped=Event())
    consumer.getmany = Fetches("a", then=end)
    with pytest.raises(type(end)):
        await consumer._drain_messages(fetcher)
    consumer.app.should_stop = True
    await consumer._drain_messages(fetcher)
