"""One session of redelivery: one consumer and one producer, until they fail or redelivery stops.

Per partition the head is waited for: the partition is paused and sought back to it, and resumed when it is due. So a retry costs no timer
and no memory while it waits, and waiting never keeps the consumer from polling, which would throw it out of its group.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import CommitFailedError, IllegalStateError, UnknownTopicOrPartitionError

from streams.engine.redelivery_plan import Plan, RetryRecord, Routes, make_plan, tier_of
from streams.engine.redelivery_progress import RedeliveryProgress

__all__ = ["RedeliverySession"]

log = logging.getLogger(__name__)

#: Records sent before the next commit: what a kill may send again.
_BATCH = 500
#: The longest wait for records, and so for a stop to be seen.
_POLL_MS = 500


def _unix_ms() -> int:
    return time.time_ns() // 1_000_000


class RedeliverySession(ConsumerRebalanceListener):  # type: ignore[misc]
    """Raises what the clients raise, StalledError too; whatever was not committed by then is read again by the next session."""

    def __init__(
        self,
        *,
        consumer: AIOKafkaConsumer,
        producer: AIOKafkaProducer,
        routes: Routes,
        progress: RedeliveryProgress,
        stopping: asyncio.Event,
        now: Callable[[], int] = _unix_ms,
    ) -> None:
        """Both clients are started and stopped by the caller. `now`: Unix ms."""
        self._consumer = consumer
        self._producer = producer
        self._routes = routes
        self._progress = progress
        self._stopping = stopping
        self._now = now
        #: Paused partitions, and when each one's head is due (Unix ms).
        self._wake_at: dict[TopicPartition, int] = {}

    async def run(self) -> None:
        """Returns when redelivery stops, between two batches."""
        self._consumer.subscribe(await self._topics(), listener=self)
        while not self._stopping.is_set():
            self._resume_due()
            batches = await self._consumer.getmany(timeout_ms=self._patience(), max_records=_BATCH)
            await self._handle(batches)
            await self._progress.turn(self._consumer, frozenset(self._wake_at))

    async def on_partitions_revoked(self, revoked: Any) -> None:
        """A rebalance unpauses everything and goes back to what was committed; the heads are met again there."""
        self._wake_at.clear()
        self._progress.reset()

    async def on_partitions_assigned(self, assigned: Any) -> None:
        log.info("redelivery reads %d partitions", len(assigned))

    async def _topics(self) -> list[str]:
        """The retry topics that stand, tiers no longer in force included."""
        topics = {topic for topic in await self._consumer.topics() if self._routes.is_retry_topic(topic)}
        if missing := self._routes.configured() - topics:
            raise UnknownTopicOrPartitionError(f"not there: {', '.join(sorted(missing))}; `impact-calendar topics apply` makes them")
        return sorted(topics)

    def _resume_due(self) -> None:
        now = self._now()
        due = [partition for partition, wake_at in self._wake_at.items() if wake_at <= now]
        for partition in due:
            del self._wake_at[partition]
        self._consumer.resume(*due)

    def _patience(self) -> int:
        """Milliseconds until the nearest head is due, within bounds."""
        nearest = min(self._wake_at.values(), default=None)
        return _POLL_MS if nearest is None else max(1, min(_POLL_MS, nearest - self._now()))

    async def _handle(self, batches: Mapping[TopicPartition, Sequence[RetryRecord]]) -> None:
        now = self._now()
        plans = {partition: make_plan(records, now) for partition, records in batches.items()}
        for partition, plan in plans.items():
            self._hold(partition, plan)
        done = {partition: plan for partition, plan in plans.items() if plan.due}
        if done:
            await self._move(done)

    def _hold(self, partition: TopicPartition, plan: Plan) -> None:
        """Before anything is awaited, so that no rebalance comes between reading and pausing."""
        if plan.held_at is not None:
            self._consumer.pause(partition)
            self._consumer.seek(partition, plan.held_at)
            self._wake_at[partition] = plan.wake_at

    async def _move(self, plans: Mapping[TopicPartition, Plan]) -> None:
        """Confirmed sends first, the offsets after."""
        sends = [await self._send(record) for plan in plans.values() for record in plan.due]
        await asyncio.gather(*sends)
        for partition, plan in plans.items():
            self._progress.moved(tier_of(partition.topic), len(plan.due), plan.undated)
        try:
            await self._consumer.commit({partition: plan.due[-1].offset + 1 for partition, plan in plans.items()})
        except (CommitFailedError, IllegalStateError) as error:
            # The partitions moved to another process meanwhile, which sends these records once more: harmless, intents are level-triggered.
            log.info("a rebalance came before the commit of redelivered records: %s", type(error).__name__)

    async def _send(self, record: RetryRecord) -> asyncio.Future[Any]:
        outgoing = self._routes.route(record)
        if outgoing.refused is not None:
            log.error(
                "a retry cannot go back and is dead-lettered",
                extra={"code": outgoing.refused, "topic": record.topic, "partition": record.partition, "offset": record.offset},
            )
            self._progress.refused(outgoing.refused)
        future: asyncio.Future[Any] = await self._producer.send(
            outgoing.topic, record.value, key=record.key, headers=list(outgoing.headers)
        )
        return future
