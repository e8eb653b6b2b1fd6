"""Faust's aiokafka consumer without its ways to lose input: commits come from an OffsetTracker, fetches get their own partition set."""

import asyncio
import inspect
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from aiokafka.errors import IllegalStateError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from streams.engine.pace import Pace

__all__ = ["SafeTransport"]

log = logging.getLogger(__name__)


#: How long a fetch request waits for data at the broker. aiokafka has one request under way per broker; a partition that still had records
#: to be taken when it went out is not part of it, and an event there waits until the request ends: such a request is short. One that
#: covers every partition is answered as soon as there is anything, and may wait long, so that an idle worker asks seldom.
PARTIAL_FETCH_WAIT_MS = 10
WHOLE_FETCH_WAIT_MS = 250


class InLoopConsumer(driver.AIOKafkaConsumerThread):  # type: ignore[misc]
    """Faust's consumer thread without the thread, in the loop of the agents (docs/adr/016).

    Between two threads of one interpreter a fetch costs more than in one: two hops, each waiting for whoever computes. Faust has the
    thread so that agents which block do not keep heartbeats from being sent; ours compute for a fraction of a second at most.
    """

    #: The task that a thread would run.
    _serving: asyncio.Task[None] | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, thread_loop=asyncio.get_event_loop(), **kwargs)

    async def start(self) -> None:
        """Raises what keeps the consumer from starting."""
        self._thread_started.set()
        self._thread_running = running = self.parent_loop.create_future()
        self._serving = asyncio.create_task(self._serve())
        self._serving.add_done_callback(_heard)
        await running

    async def _gather_remaining_tasks(self) -> None:
        """Those of the loop are not the consumer's."""

    async def call_thread(self, fun: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Comes to its end also when nobody waits any more, as it would in a thread."""
        result = fun(*args, **kwargs)
        return await asyncio.shield(asyncio.ensure_future(result)) if inspect.isawaitable(result) else result

    async def getmany(self, active_partitions: set[TP] | None, timeout: float) -> Any:
        consumer = self._ensure_consumer()
        return await self._fetch_records(consumer, active_partitions, timeout=timeout, max_records=consumer._max_poll_records)

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._isolation_level = "read_committed"
        return consumer

    def next_offset(self, tp: TP) -> int | None:
        """Where the next fetch begins; None before the first and while partitions move."""
        assignment = self._consumer._subscription.subscription.assignment
        return assignment.state_value(tp)._position if assignment is not None and tp in assignment.tps else None

    async def on_start(self) -> None:
        await super().on_start()
        _pace(self._consumer._fetcher)
        self.app.lease.watch(self._consumer._coordinator)


def _heard(serving: asyncio.Task[None]) -> None:
    """What it failed with was told to whoever waited for the start, and to the app."""
    if not serving.cancelled():
        serving.exception()


def _pace(fetcher: Any) -> None:
    plan, fetch = fetcher._get_actions_per_node, fetcher._proc_fetch_request
    pace = Pace()

    def plan_with_wait(assignment: Any) -> Any:
        fetcher._fetch_max_wait_ms = PARTIAL_FETCH_WAIT_MS if fetcher._records else WHOLE_FETCH_WAIT_MS
        return plan(assignment)

    async def fetch_in_time(assignment: Any, node_id: int, request: Any) -> Any:
        await pace.turn(node_id)
        return await fetch(assignment, node_id, request)

    fetcher._get_actions_per_node, fetcher._proc_fetch_request = plan_with_wait, fetch_in_time


class SafeConsumer(driver.Consumer):  # type: ignore[misc]
    """What changes against Faust 0.15.3, each with a test in tests/integration/engine:

    - What is committed is what the app's OffsetTracker says, never what Faust thinks was acked: Faust acks messages it skips after a
      rebalance, and the batch of an agent that raised.
    - A fetch gets a copy of the set of active partitions. Faust hands over the live set, which can turn empty while the fetch waits;
      aiokafka reads "empty" as "all", and the records fetched then are dropped.
    - What was fetched before a rebalance and arrives after it is not handed over: it would be taken for what follows the committed offset.
    - Going back to what is committed includes partitions where nothing is committed yet.
    - No interval tree of offset gaps: the tracker passes over holes.
    - A fetch waits for data as long as it holds nobody up.
    - Records of aborted transactions are not read.
    - The app's Lease hears what the group's coordinator answers.
    - Handing a message over is one step as long as the stream's queue has room. Faust makes five tasks of each.
    """

    #: What was fetched could not be handed over: its partitions are read again from what is committed.
    _read_again = False
    #: Per partition the last offset that was handed over since the last seek.
    _handed: dict[TP, int]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._handed = {}

    def _new_consumer_thread(self) -> InLoopConsumer:
        return InLoopConsumer(self, loop=self.loop, beacon=self.beacon)

    def only_marks_follow(self, tp: TP, finished: int) -> bool:
        """Whether all that was handed over was finished, up to offset `finished`, and nothing but marks of transactions is behind it."""
        following, end = self._thread.next_offset(tp), self.highwater(tp)
        at_the_end = following is not None and end is not None and following >= end
        return at_the_end and self._handed.get(tp, -1) < finished

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> Any:
        if self._read_again:
            try:
                await self.perform_seek()
            except (IllegalStateError, AssertionError):
                return {}  # a rebalance is under way
            self._read_again = False
        own = None if active_partitions is None else set(active_partitions)
        epoch = self.app.offsets.epoch
        records = await super()._getmany(own, timeout)
        if records and not self.app.offsets.accepts(epoch):
            self._read_again = True
            return {}
        self._handed.update((tp, found[-1].offset) for tp, found in records.items() if found)
        return records

    async def _drain_messages(self, fetcher: Any) -> None:
        """Faust's Fetcher runs this until it is stopped; it may be cancelled when the app stops."""
        try:
            while not (self._stopped.is_set() or fetcher._stopped.is_set()):
                async for _, message in self.getmany(timeout=1.0):
                    await self._hand_over(message)
                await asyncio.sleep(0)  # what was fetched may have been waiting already, again and again
        except (asyncio.CancelledError, *self.consumer_stopped_errors):
            if not self.app.should_stop:
                raise

    async def _hand_over(self, message: Any) -> None:
        """While the queue is full the stream is behind; a rebalance ends the waiting, and the message with it."""
        delivery = asyncio.ensure_future(self.callback(message))
        await asyncio.sleep(0)
        if delivery.done():
            delivery.result()
        else:
            await self.wait_first(delivery, self.suspend_flow.wait())

    async def perform_seek(self) -> None:
        """Also for partitions without a committed offset, which aiokafka leaves where they are."""
        await super().perform_seek()
        self._handed.clear()
        inputs = [tp for tp in self.assignment() if not self._is_changelog_tp(tp)]
        if inputs:
            starts = {TP(tp.topic, tp.partition): start for tp, start in (await self.earliest_offsets(*inputs)).items()}
            unread = {tp: start for tp, start in starts.items() if not self._read_offset[tp]}
            if unread:
                await self.seek_wait(unread)
            for tp in starts.keys() - unread.keys():
                _tell_what_was_lost(tp, self._read_offset[tp], starts[tp])

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Holes need no bookkeeping."""

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterable[TP]:
        positions = self.app.offsets.positions()
        return [TP(*tp) for tp in positions if topics is None or TP(*tp) in topics or tp[0] in topics]

    def _filter_committable_offsets(self, tps: Iterable[TP]) -> Mapping[TP, int]:
        positions = self.app.offsets.positions()
        wanted = {tp: positions.get((tp.topic, tp.partition)) for tp in tps}
        return {tp: offset for tp, offset in wanted.items() if offset is not None and self._should_commit(tp, offset)}


def _tell_what_was_lost(tp: TP, committed: int, start: int) -> None:
    """aiokafka goes on with the oldest record that is left, without a word."""
    if committed < start:
        log.critical(
            "records were removed by their topic's retention before they were read: what they asked for is not done",
            extra={"topic": tp.topic, "partition": tp.partition, "committed": committed, "oldest": start, "missed": start - committed},
        )


class SafeTransport(driver.Transport):  # type: ignore[misc]
    Consumer = SafeConsumer
