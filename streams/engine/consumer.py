"""Faust's aiokafka consumer without its ways to lose input: commits come from an OffsetTracker, fetches get their own partition set."""

from collections.abc import Iterable, Mapping
from typing import Any

from aiokafka.errors import IllegalStateError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from streams.engine.pace import Pace

__all__ = ["SafeTransport"]


#: How long a fetch request waits for data at the broker. aiokafka has one request under way per broker; a partition that still had records
#: to be taken when it went out is not part of it, and an event there waits until the request ends: such a request is short. One that
#: covers every partition is answered as soon as there is anything, and may wait long, so that an idle worker asks seldom.
PARTIAL_FETCH_WAIT_MS = 10
WHOLE_FETCH_WAIT_MS = 250


class PromptConsumerThread(driver.AIOKafkaConsumerThread):  # type: ignore[misc]
    """Faust lets every fetch request wait for 1500 ms, and reads what aborted transactions wrote."""

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


def _pace(fetcher: Any) -> None:
    plan, fetch = fetcher._get_actions_per_node, fetcher._proc_fetch_request
    pace = Pace()

    def plan_with_wait(assignment: Any) -> Any:
        fetcher._fetch_max_wait_ms = PARTIAL_FETCH_WAIT_MS if fetcher._records else WHOLE_FETCH_WAIT_MS
        return plan(assignment)

    async def fetch_in_time(assignment: Any, node_id: int, request: Any) -> Any:
        await pace.wait(node_id)
        pace.goes(node_id)
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
    """

    #: What was fetched could not be handed over: its partitions are read again from what is committed.
    _read_again = False
    #: Per partition the last offset that was handed over since the last seek.
    _handed: dict[TP, int]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._handed = {}

    def _new_consumer_thread(self) -> PromptConsumerThread:
        return PromptConsumerThread(self, loop=self.loop, beacon=self.beacon)

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

    async def perform_seek(self) -> None:
        """Also for partitions without a committed offset, which aiokafka leaves where they are."""
        await super().perform_seek()
        self._handed.clear()
        unread = [tp for tp in self.assignment() if not self._read_offset[tp] and not self._is_changelog_tp(tp)]
        if unread:
            starts = await self.earliest_offsets(*unread)
            await self.seek_wait({TP(tp.topic, tp.partition): start for tp, start in starts.items()})

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Holes need no bookkeeping."""

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterable[TP]:
        positions = self.app.offsets.positions()
        return [TP(*tp) for tp in positions if topics is None or TP(*tp) in topics or tp[0] in topics]

    def _filter_committable_offsets(self, tps: Iterable[TP]) -> Mapping[TP, int]:
        positions = self.app.offsets.positions()
        wanted = {tp: positions.get((tp.topic, tp.partition)) for tp in tps}
        return {tp: offset for tp, offset in wanted.items() if offset is not None and self._should_commit(tp, offset)}


class SafeTransport(driver.Transport):  # type: ignore[misc]
    Consumer = SafeConsumer
