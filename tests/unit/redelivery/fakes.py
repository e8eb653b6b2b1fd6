"""A consumer and a producer that keep their books in memory, and write down in which order things happened."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from aiokafka import TopicPartition

from tests.unit.redelivery.test_plan import TOPICS, Record

TP = TopicPartition(Record.topic, 0)


class FakeConsumer:
    """One partition. Hands over what is from its position on, unless paused."""

    def __init__(self, records: Sequence[Record], did: list[str]) -> None:
        self.records = records
        self.did = did
        self.at = 0
        self.is_paused = False
        self.committed: dict[TopicPartition, int] = {}
        self.commit_error: Exception | None = None
        self.on_poll: Callable[[int], None] = lambda _polls: None
        self.polls = 0
        self.listener: Any = None
        self.known = {TOPICS.retry(tier) for tier in TOPICS.tiers}

    async def topics(self) -> set[str]:
        return self.known

    def subscribe(self, topics: Sequence[str], listener: Any) -> None:
        self.listener = listener

    async def getmany(self, *, timeout_ms: int, max_records: int) -> dict[TopicPartition, list[Record]]:
        self.polls += 1
        self.on_poll(self.polls)
        await asyncio.sleep(0)
        batch = [] if self.is_paused else [record for record in self.records if record.offset >= self.at][:max_records]
        if not batch:
            return {}
        self.at = batch[-1].offset + 1
        return {TP: batch}

    def pause(self, partition: TopicPartition) -> None:
        self.is_paused = True

    def resume(self, *partitions: TopicPartition) -> None:
        self.is_paused = self.is_paused and not partitions

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self.at = offset

    async def commit(self, offsets: dict[TopicPartition, int]) -> None:
        if self.commit_error is not None:
            raise self.commit_error
        self.did += [f"commit {offset}" for offset in offsets.values()]
        self.committed |= offsets

    def assignment(self) -> set[TopicPartition]:
        return {TP}

    async def end_offsets(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        return {TP: self.records[-1].offset + 1 if self.records else 0}

    async def position(self, partition: TopicPartition) -> int:
        return self.at


class FakeProducer:
    """Confirms each send a turn of the loop later, or fails it."""

    def __init__(self, did: list[str]) -> None:
        self.did = did
        self.failure: Exception | None = None

    async def send(self, topic: str, value: bytes | None, *, key: bytes | None, headers: Any) -> asyncio.Future[None]:
        async def confirm() -> None:
            await asyncio.sleep(0)
            if self.failure is not None:
                raise self.failure
            self.did.append(f"confirmed {(value or b'').decode()}")

        return asyncio.ensure_future(confirm())
