"""Intents in: records of a lane become items for the executor, their number in flight bounded per lane."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from schemas.codec import check_key, decode_intent
from schemas.errors import ContractViolation
from schemas.intents import Lane
from schemas.topics import Topics
from streams.agents.agendas import Agendas
from streams.agents.connection_intake import ConnectionIntake
from streams.agents.connections import Connections
from streams.agents.execute import Executor
from streams.agents.items import Forget, Item
from streams.agents.services import ParkedKey, Services
from streams.domain.dead_letter import kept
from streams.domain.fold import RawRecord
from streams.domain.retry import Failure, Source, dead_letter_headers
from streams.engine.keyed import KeyedExecutor
from streams.engine.offsets import OffsetTracker, Ticket
from streams.engine.producer import ConfirmedProducer
from streams.metrics import ExecuteMetrics

__all__ = ["ExecutePolicy", "ExecuteWork"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class ExecutePolicy:
    """`unacked`: records of a lane whose offsets are not released yet; a kill executes at most so many again.

    `parallel`: entries executed at once over all; `per_mailbox`: for one provider (Graph allows 4 concurrent requests a mailbox).
    `drain`: how long running calls may take when a partition moves.
    """

    unacked: Mapping[Lane, int]
    parallel: int = 500
    per_mailbox: int = 4
    drain: timedelta = timedelta(seconds=25)
    forget_after_days: int = 30
    forget_step: int = 2_000


class ExecuteWork:
    """What the execute agents have in flight. One instance per worker process."""

    def __init__(
        self,
        *,
        topics: Topics,
        producer: ConfirmedProducer,
        offsets: OffsetTracker,
        agendas: Agendas,
        connections: Connections,
        events: ConnectionIntake,
        services: Services,
        executor: Executor,
        metrics: ExecuteMetrics,
        policy: ExecutePolicy,
        now: Callable[[], datetime],
    ) -> None:
        self._topics = topics
        self._producer = producer
        self._offsets = offsets
        self._agendas = agendas
        self.connections = connections
        self.events = events
        self.services = services
        self._metrics = metrics
        self._policy = policy
        self._now = now
        self._room = {lane: asyncio.Semaphore(count) for lane, count in policy.unacked.items()}
        self._keyed: KeyedExecutor[Item | Forget] = KeyedExecutor(executor, parallel=policy.parallel, per_group=policy.per_mailbox)
        self._forget_from: dict[int, bytes] = {}
        connections.on_sweep(agendas.sweep, agendas.owes_removal)
        services.on_wake(self._wake)

    def agent(self, lane: Lane) -> Callable[[Any], Any]:
        """The agent's body for a lane."""

        async def run(stream: Any) -> None:
            async for event in stream.noack().events():
                topic, epoch = event.message.topic, self._offsets.epoch
                for partition, records in event.value:
                    for record in records:
                        await self.submit(lane, topic, partition, record, epoch)

        return run

    async def submit(self, lane: Lane, topic: str, partition: int, record: RawRecord, epoch: int) -> None:
        """Take one record; returns as soon as there is room for it. `epoch`: the tracker's when the record was handed over."""
        room = self._room[lane]
        await room.acquire()
        if not self._offsets.accepts(epoch):  # a partition moves: whoever holds it next reads the record again
            room.release()
            return
        ticket = self._offsets.open((topic, partition), record.offset)
        source = Source(topic=topic, partition=partition, offset=record.offset)
        self._metrics.intents(lane)
        try:
            intent = decode_intent(record.value)
            check_key(record.key, intent.provider_id)
        except ContractViolation as violation:
            await self._reject(record, source, violation)
            self._release(lane, ticket)
            return
        item = Item(
            intent=intent,
            lane=lane,
            source=source,
            key=record.key,
            value=record.value,
            headers=record.headers,
            done=lambda: self._release(lane, ticket),
        )
        self._keyed.submit((partition, intent.provider_id, intent.class_id), intent.provider_id, item)

    def _release(self, lane: Lane, ticket: Ticket) -> None:
        self._offsets.finish(ticket)
        if ticket.epoch == self._offsets.epoch:
            self._room[lane].release()

    async def _reject(self, record: RawRecord, source: Source, violation: ContractViolation) -> None:
        failure = Failure(error_class=violation.code, reason=violation.reason)
        key, value, headers = kept(record.key, record.value, record.headers)
        headers = dead_letter_headers(headers, source=source, failure=failure, attempts=0, now=self._now())
        log.error("an intent breaks the contract and is dead-lettered", extra={"topic": source.topic, "offset": source.offset})
        partition = None if key is not None else source.partition
        await (await self._producer.send(self._topics.intents_dlq, key, value, headers=headers, partition=partition))

    @property
    def in_flight(self) -> int:
        return self._keyed.in_flight

    async def drain(self) -> None:
        """Start no more calls; wait for those that run. What was not finished is executed again by whoever gets the partition."""
        ends = time.monotonic() + self._policy.drain.total_seconds()
        late = await self._keyed.drain(self._policy.drain.total_seconds())
        if late:
            log.warning("calls were cancelled because a partition moves", extra={"count": late})
        await self.events.drain(max(ends - time.monotonic(), 1.0))

    async def tables_ready(self, partitions: list[int]) -> None:
        """Caches go; lanes have all their room again; entries that rested because of a failing service are woken."""
        self.connections.tables_ready()
        self.services.tables_ready()
        before, self._room = self._room, {lane: asyncio.Semaphore(count) for lane, count in self._policy.unacked.items()}
        for room in before.values():
            room.release()  # whoever still waits for room of before the rebalance finds that its record does not count any more
        self._forget_from = dict.fromkeys(partitions, b"")
        for partition in partitions:
            keys: Sequence[bytes] = await self._agendas.resting(partition)
            await self._agendas.wake([(partition, key) for key in keys])

    async def _wake(self, keys: list[ParkedKey]) -> None:
        """While a partition moves nobody is woken from memory: `tables_ready` finds everyone that rests in the tables."""
        if self._offsets.accepts(self._offsets.epoch):
            await self._agendas.wake(keys)

    async def forget(self) -> None:
        """One small step of forgetting entries of classes whose last day is long past."""
        epoch, today, days = self._offsets.epoch, self._now().date(), self._policy.forget_after_days
        for partition, start in list(self._forget_from.items()):
            if not self._offsets.accepts(epoch):
                return
            old, self._forget_from[partition] = self._agendas.old(partition, start, today, days, self._policy.forget_step)
            for agenda in old:
                key = (partition, agenda.provider_id, agenda.class_id)
                self._keyed.submit(key, agenda.provider_id, Forget(today=today, days=days))
            await asyncio.sleep(0)
