"""The fold agent: records in, intents and states out, in micro-batches whose confirmations overlap.

Order within a partition (docs/adr/001): intents confirmed -> changelog confirmed -> local row -> offset. Writing the table first would lose
intents, since a replay then sees nothing to tell.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from schemas.topics import Topics
from streams.agents.class_forgetting import ClassForgetting
from streams.agents.write_chain import Turn, WriteChain
from streams.domain.dead_letter import kept, refused
from streams.domain.fold import DeadLetter, FoldResult, RawRecord, fold_records
from streams.domain.retry import Source
from streams.domain.state import ClassState, decode_state, encode_state
from streams.engine.chunks import PartitionRun
from streams.engine.offsets import OffsetTracker, Ticket
from streams.engine.producer import ConfirmedProducer
from streams.engine.table import ChangelogTable
from streams.metrics import FoldMetrics

__all__ = ["FoldPolicy", "FoldWork"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class FoldPolicy:
    """`depth`: chunks whose confirmations may be awaited at once. `cache`: decoded states kept per worker."""

    depth: int = 16
    cache: int = 200_000
    forget_after_days: int = 30
    #: Rows looked at per partition in one step of forgetting.
    forget_step: int = 2_000


@dataclass(frozen=True, slots=True)
class FoldedRun:
    """A run of one partition. `ticket` is finished when everything that `result` asks for is confirmed."""

    partition: int
    result: FoldResult
    ticket: Ticket


Sends = list[asyncio.Future[Any]]


class FoldWork:
    """What the fold agent has in flight. One instance per worker process."""

    def __init__(
        self,
        *,
        topics: Topics,
        table: ChangelogTable,
        producer: ConfirmedProducer,
        offsets: OffsetTracker,
        metrics: FoldMetrics,
        policy: FoldPolicy,
        crash: Callable[[BaseException], Any],
        now: Callable[[], datetime],
    ) -> None:
        self._topics = topics
        self._table = table
        self._producer = producer
        self._offsets = offsets
        self._metrics = metrics
        self._policy = policy
        self._crash = crash
        self._now = now
        self._room = asyncio.Semaphore(policy.depth)
        self._states: dict[tuple[int, bytes], ClassState | None] = {}
        self._chain = WriteChain()
        self._forgetting = ClassForgetting(
            table=table,
            offsets=offsets,
            metrics=metrics,
            chain=self._chain,
            states=self._states,
            after_days=policy.forget_after_days,
            step=policy.forget_step,
            now=now,
        )

    async def run(self, stream: Any) -> None:
        """The agent's body: Faust hands over chunks, and never acks for us."""
        events: AsyncIterator[Any] = stream.noack().events()
        async for event in events:
            await self.submit(event.message.topic, event.value, self._offsets.epoch)

    async def submit(self, topic: str, runs: Sequence[PartitionRun], epoch: int) -> None:
        """Fold one chunk: runs of records, each of one partition. Returns when its sends are under way.

        `epoch`: the tracker's when the chunk was handed over.
        """
        await self._room.acquire()
        if not self._offsets.accepts(epoch):  # a partition moves: whoever holds it next reads the chunk again
            self._room.release()
            return
        try:
            if len(self._states) > self._policy.cache:
                await self._chain.settle()
                self._states.clear()
            folded = [self._fold(topic, partition, records) for partition, records in runs]
            sends = await self._send(topic, folded)
        except BaseException:
            self._room.release()
            raise
        self._chain.begin(lambda turn: self._finish(folded, sends, turn))

    def _fold(self, topic: str, partition: int, records: Sequence[RawRecord]) -> FoldedRun:
        ticket = self._offsets.open((topic, partition), records[-1].offset)
        result = fold_records(records, lambda key: self._state(partition, key))
        for key, state in result.states.items():
            self._states[(partition, key)] = state
        return FoldedRun(partition, result, ticket)

    def _state(self, partition: int, key: bytes) -> ClassState | None:
        found = self._states.get((partition, key))
        if found is None and (partition, key) not in self._states:
            row = self._table.get_row(partition, key)
            found = self._states[(partition, key)] = decode_state(row) if row is not None else None
        return found

    async def _send(self, topic: str, chunk: Sequence[FoldedRun]) -> Sends:
        intents = [intent for folded in chunk for intent in folded.result.intents]
        sends = await self._producer.send_keyed(self._topics.intents, intents) if intents else []
        for folded in chunk:
            for letter in folded.result.dead_letters:
                sends.append(await self._send_dead_letter(topic, folded.partition, letter))
            for class_id, version in folded.result.gaps:
                log.warning("versions are missing before an event; it is folded", extra={"class_id": class_id, "version": version})
        return sends

    async def _send_dead_letter(self, topic: str, partition: int, letter: DeadLetter) -> asyncio.Future[Any]:
        record, violation = letter.record, letter.violation
        self._metrics.dead_letter(violation.code)
        log.warning(
            "an event breaks the contract and is dead-lettered",
            extra={"code": violation.code, "reason": violation.reason, "topic": topic, "partition": partition, "offset": record.offset},
        )
        source = Source(topic=topic, partition=partition, offset=record.offset)
        key, value, headers = kept(record.key, record.value, record.headers)
        headers = refused(headers, violation, source, self._now())
        return await self._producer.send(self._topics.class_events_dlq, key, value, headers=headers, partition=partition)

    async def _finish(self, chunk: Sequence[FoldedRun], sends: Sends, turn: Turn) -> None:
        try:
            await self._confirm(chunk, sends, turn)
        except asyncio.CancelledError as error:
            turn.break_off(error)
            raise
        except Exception as error:  # noqa: BLE001 - the worker ends: what is not confirmed is not committed, and folded again
            turn.break_off(error)
            await self._crash(error)
        finally:
            self._room.release()

    async def _confirm(self, chunk: Sequence[FoldedRun], sends: Sends, turn: Turn) -> None:
        """Rows of a chunk hold what every chunk before it folded: they go out once those chunks' intents are confirmed too."""
        if sends:
            await asyncio.gather(*sends)
        await turn.come()
        writes = []
        for folded in chunk:
            if folded.result.states:
                rows = {key: encode_state(state) for key, state in folded.result.states.items()}
                writes.append(await self._table.write(folded.partition, rows, later=True))
        turn.pass_on()
        if writes:
            await asyncio.gather(*writes)
        for folded in chunk:
            self._offsets.finish(folded.ticket)
            result = folded.result
            self._metrics.folded(folded=result.folded, repeats=result.repeats, gaps=len(result.gaps), intents=len(result.intents))

    async def drain(self) -> None:
        """Wait for every chunk that was begun; nothing here waits for anything but the broker."""
        for _ in range(self._policy.depth):
            await self._room.acquire()
        for _ in range(self._policy.depth):
            self._room.release()
        await self._chain.settle()

    async def tables_ready(self, partitions: list[int]) -> None:
        """After a rebalance nothing remembered counts any more: another worker may have written."""
        self._states.clear()
        self._chain.reset()
        self._forgetting.tables_ready(partitions)

    async def forget(self) -> None:
        """One small step of forgetting classes whose last day is long past, in every partition."""
        await self._forgetting.step()
