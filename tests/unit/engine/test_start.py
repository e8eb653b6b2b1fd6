"""The first client of the brokers: how long a worker waits for it, and what it tells."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError, NodeNotReadyError

from streams.engine import start
from streams.engine.not_ready import BrokersRefuseError, BrokersUnreachableError
from streams.engine.refusal import Refusal
from streams.engine.start import reach_brokers
from streams.settings import SettingError

CLIENT = {"bootstrap_servers": ["kafka-1:9092", "kafka-2:9092"]}
SERVERS = "IMPACT_KAFKA_BOOTSTRAP_SERVERS=kafka-1:9092,kafka-2:9092"
LASTING = [SettingError("IMPACT_KAFKA_SASL_PASSWORD", "another", "..."), BrokersRefuseError("the certificate")]
PASSING = BrokersUnreachableError("the broker sends its clients nowhere")


async def never() -> None:
    await asyncio.Event().wait()


async def refused() -> None:
    raise KafkaConnectionError("Unable to bootstrap")


async def sent_away() -> None:
    raise NodeNotReadyError


async def at_once() -> None:
    """Brokers that answer."""


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "QUIET_SECONDS", 0.01)
    monkeypatch.setattr(start, "PATIENCE_SECONDS", 0.2)
    says(monkeypatch, None)


def says(monkeypatch: pytest.MonkeyPatch, refusal: Refusal | None) -> None:
    """What the brokers say when they are asked why."""

    async def why_refused(client: Mapping[str, Any]) -> Refusal | None:
        assert client is CLIENT
        return refusal

    monkeypatch.setattr(start, "why_refused", why_refused)


async def test_brokers_that_take_no_connection_are_told_by_their_setting() -> None:
    with pytest.raises(BrokersUnreachableError, match=f"could be reached: {SERVERS}$"):
        await reach_brokers(refused, CLIENT)()


async def test_brokers_that_never_answer_are_told_on_the_way_and_in_the_end(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(BrokersUnreachableError, match=f"answered within 0 s: {SERVERS}"):
        await reach_brokers(never, CLIENT)()
    assert caplog.messages == [f"no Kafka broker has answered yet: {SERVERS}"]


@pytest.mark.parametrize("begin", [refused, sent_away, never])
@pytest.mark.parametrize("refusal", LASTING)
async def test_what_brokers_refuse_is_told_as_they_say_it(monkeypatch: pytest.MonkeyPatch, begin: Any, refusal: Refusal) -> None:
    """Also where the client would try it for ever: then without waiting any longer."""
    says(monkeypatch, refusal)
    if begin is never:
        monkeypatch.setattr(start, "PATIENCE_SECONDS", 3600.0)
    with pytest.raises(type(refusal), match=str(refusal)[:20]):
        await reach_brokers(begin, CLIENT)()


async def test_what_may_pass_by_waiting_is_waited_for_and_told_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    says(monkeypatch, PASSING)
    late = asyncio.get_running_loop().create_task(asyncio.sleep(0.05))
    await reach_brokers(lambda: asyncio.wait_for(late, None), CLIENT)()
    with pytest.raises(BrokersUnreachableError, match="sends its clients nowhere"):
        await reach_brokers(never, CLIENT)()


async def test_a_client_that_did_not_come_up_is_left_to_itself_by_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = asyncio.Event()

    async def starting() -> None:
        try:
            await never()
        finally:
            ended.set()

    with pytest.raises(BrokersUnreachableError):
        await reach_brokers(starting, CLIENT)()
    assert ended.is_set()


async def test_nothing_is_told_of_brokers_that_answer(caplog: pytest.LogCaptureFixture) -> None:
    await reach_brokers(at_once, CLIENT)()
    await asyncio.sleep(0.02)
    assert caplog.messages == []
