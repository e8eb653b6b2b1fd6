"""Until when the topics are read, by the brokers' answers: aiokafka's consumer has its network taken away."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition

from streams.engine import projection_source
from streams.engine.projection_source import ProjectionSource

PLACE = TopicPartition("events", 0)


class Consumer:
    """One partition with 5 records; `answered_at`: when the newest answer came (Unix ms)."""

    def __init__(self, **_: Any) -> None:
        self.answered_at: int | None = None
        self.read_to, self.end = 5, 5

    async def getmany(self, **_: Any) -> dict[TopicPartition, list[SimpleNamespace]]:
        return {}

    async def end_offsets(self, _: Any) -> dict[TopicPartition, int]:
        return {PLACE: self.end}

    async def position(self, _: TopicPartition) -> int:
        return self.read_to

    def last_stable_offset(self, _: TopicPartition) -> int:
        return self.end

    def last_poll_timestamp(self, _: TopicPartition) -> int | None:
        return self.answered_at


@pytest.fixture
def consumer(monkeypatch: pytest.MonkeyPatch) -> Consumer:
    made = Consumer()
    monkeypatch.setattr(projection_source, "AIOKafkaConsumer", lambda **_: made)
    return made


@pytest.fixture
def source(consumer: Consumer) -> ProjectionSource:
    return ProjectionSource({}, topics=["events"], partitions=1, positions={}, max_records=10)


async def test_an_answer_tells_of_the_time_at_which_it_was_asked_for_not_of_that_at_which_a_busy_process_took_it(
    consumer: Consumer, source: ProjectionSource
) -> None:
    """What was published after the broker had answered, and before the answer was taken, is not in it."""
    consumer.answered_at = 1_000
    await source.poll()
    assert await source.read_upto() is None
    consumer.answered_at = 9_000
    assert await source.read_upto() == datetime.fromtimestamp(1, UTC)
    await source.poll()
    assert await source.read_upto() == datetime.fromtimestamp(1, UTC), "no new answer came"
    consumer.answered_at = 9_250
    assert await source.read_upto() == datetime.fromtimestamp(9, UTC)


async def test_nothing_is_said_while_records_are_left_to_read(consumer: Consumer, source: ProjectionSource) -> None:
    for consumer.answered_at in (1_000, 2_000):
        await source.poll()
    consumer.read_to = 4
    assert await source.read_upto() is None
