"""The first client of the brokers: how long a worker waits for it, and what it tells."""

import asyncio

import pytest
from aiokafka.errors import KafkaConnectionError

from streams.engine import start
from streams.engine.start import BrokersUnreachableError, reach_brokers

SERVERS = ("kafka-1:9092", "kafka-2:9092")


async def never() -> None:
    await asyncio.Event().wait()


async def refused() -> None:
    raise KafkaConnectionError("Unable to bootstrap")


async def at_once() -> None:
    """Brokers that answer."""


async def test_brokers_that_take_no_connection_are_told_by_their_setting() -> None:
    with pytest.raises(BrokersUnreachableError, match=r"could be reached: IMPACT_KAFKA_BOOTSTRAP_SERVERS=kafka-1:9092,kafka-2:9092$"):
        await reach_brokers(refused, SERVERS)()


async def test_brokers_that_never_answer_are_told_on_the_way_and_in_the_end(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(start, "QUIET_SECONDS", 0.01)
    monkeypatch.setattr(start, "PATIENCE_SECONDS", 0.2)
    with pytest.raises(BrokersUnreachableError, match="answered within 0 s: IMPACT_KAFKA_BOOTSTRAP_SERVERS=kafka-1:9092"):
        await reach_brokers(never, SERVERS)()
    assert caplog.messages == ["no Kafka broker has answered yet: IMPACT_KAFKA_BOOTSTRAP_SERVERS=kafka-1:9092,kafka-2:9092"]


async def test_nothing_is_told_of_brokers_that_answer(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(start, "QUIET_SECONDS", 0.0)
    await reach_brokers(at_once, SERVERS)()
    await asyncio.sleep(0.01)
    assert caplog.messages == []
