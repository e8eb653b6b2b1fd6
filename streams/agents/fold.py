"""The fold agent: records in, intents and states out, in micro-batches whose confirmations overlap.

Order within a partition (docs/adr/001): intents confirmed -> changelog confirmed -> local row -> offset. Writing the table first would lose
intents, since a replay then sees nothing to tell.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from schemas import headers as names
from schemas.topics import Topics
from streams.domain.dead_letter import kept
from streams.domain.fold import DeadLetter, FoldResult, RawRecord, fold_records
from streams.domain.forgetting import is_forgotten
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


#: Done when a chunk's rows are on their way, behind those of all chunks before it; failed when they never will be.
Written = asyncio.Future[None]
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
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
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
        self._written: Written | None = None
        self._unfinished: set[asyncio.Task[None]] = set()
        self._forget_from: dict[int, bytes] = {}

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
                await self._settle()
                self._states.clear()
            folded = [self._fold(topic, partition, records) for partition, records in runs]
            sends = await self._send(topic, folded)
        except BaseException:
            self._room.release()
            raise
        self._chain(lambda previous, written: self._finish(folded, sends, previous, written))

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
        added = {
            names.DEAD_LETTER_CODE: violation.code,
            names.DEAD_LETTER_REASON: violation.reason,
            names.SOURCE_TOPIC: topic,
            names.SOURCE_PARTITION: str(partition),
            names.SOURCE_OFFSET: str(record.offset),
            names.LAST_FAILURE: self._now().isoformat(),
        }
        key, value, headers = kept(record.key, record.value, record.headers)
        headers += ((name, text.encode()) for name, text in added.items())
        return await self._producer.send(self._topics.class_events_dlq, key, value, headers=headers, partition=partition)

    def _chain(self, write: Callable[[Written | None, Written], Coroutine[Any, Any, None]]) -> asyncio.Task[None]:
        """Begin a write behind all before. It gets what it waits for, and what it finishes when its own rows are on their way."""
        previous, self._written = self._written, asyncio.get_running_loop().create_future()
        task = asyncio.create_task(write(previous, self._written))
        self._unfinished.add(task)
        task.add_done_callback(self._unfinished.discard)
        return task

    async def _finish(
        self, chunk: Sequence[FoldedRun], sends: list[asyncio.Future[Any]], previous: Written | None, written: Written
    ) -> None:
        try:
            await self._confirm(chunk, sends, previous, written)
        except asyncio.CancelledError:
            written.cancel()
            raise
        except Exception as error:  # noqa: BLE001 - the worker ends: what is not confirmed is not committed, and folded again
            _broken(written, error)
            await self._crash(error)
        finally:
            self._room.release()

    async def _confirm(
        self, chunk: Sequence[FoldedRun], sends: list[asyncio.Future[Any]], previous: Written | None, written: Written
    ) -> None:
        """Rows of a chunk hold what every chunk before it folded: they go out once those chunks' intents are confirmed too."""
        if sends:
            await asyncio.gather(*sends)
        if previous is not None:
            await previous
        writes = []
        for folded in chunk:
            if folded.result.states:
                rows = {key: encode_state(state) for key, state in folded.result.states.items()}
                writes.append(await self._table.write(folded.partition, rows, later=True))
        written.set_result(None)
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
        await self._settle()

    async def _settle(self) -> None:
        """Until the rows of everything that was folded are local."""
        while self._unfinished:
            await asyncio.wait(set(self._unfinished))

    async def tables_ready(self, partitions: list[int]) -> None:
        """After a rebalance nothing remembered counts any more: another worker may have written."""
        self._states.clear()
        self._written = None
        self._forget_from = dict.fromkeys(partitions, b"")

    async def forget(self) -> None:
        """One small step of forgetting classes whose last day is long past, in every partition."""
        epoch, today = self._offsets.epoch, self._now().date()
        for partition, start in list(self._forget_from.items()):
            if not self._offsets.accepts(epoch):
                return
            old, self._forget_from[partition] = self._old_classes(partition, start, today)
            if old:
                await self._forget_classes(partition, old)
            await asyncio.sleep(0)

    def _old_classes(self, partition: int, start: bytes, today: Any) -> tuple[list[bytes], bytes]:
        """Keys of classes to forget, and where the next step begins (the beginning again after the end)."""
        old: list[bytes] = []
        for seen, (key, row) in enumerate(self._table.scan(partition, start)):
            if seen == self._policy.forget_step:
                return old, key
            state = self._states.get((partition, key)) or decode_state(row)
            if is_forgotten(state, today, self._policy.forget_after_days):
                old.append(key)
        return old, b""

    async def _forget_classes(self, partition: int, keys: list[bytes]) -> None:
        """Tombstones go the way of every other row, in order: behind those of all chunks before; the chunks after fold from nothing."""
        for key in keys:
            self._states[(partition, key)] = None
        await self._chain(lambda previous, written: self._send_tombstones(partition, keys, previous, written))
        self._metrics.forgotten(len(keys))
        log.info("classes were forgotten", extra={"count": len(keys), "partition": partition})

    async def _send_tombstones(self, partition: int, keys: list[bytes], previous: Written | None, written: Written) -> None:
        try:
            if previous is not None:
                await previous
            confirmed = await self._table.write(partition, dict.fromkeys(keys), later=True)
            written.set_result(None)
        except BaseException as error:
            _broken(written, error)
            raise
        await confirmed


def _broken(written: Written, error: BaseException) -> None:
    """Whatever comes after must not be written; nothing may come after."""
    if not written.done():
        written.set_exception(error)
        written.exception()
