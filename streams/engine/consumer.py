"""Faust's aiokafka consumer without its ways to lose input: commits come from an OffsetTracker, fetches get their own partition set."""

from collections.abc import Iterable, Mapping
from typing import Any

from aiokafka.errors import IllegalStateError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

__all__ = ["SafeTransport"]


#: A fetch request that waits for data holds up every partition that is not part of it, and one that had data when the request went out
#: is not: aiokafka has one request under way per broker. Faust sets 1500 ms, and an event then waits so long behind an idle topic.
FETCH_WAIT_MS = 10


class PromptConsumerThread(driver.AIOKafkaConsumerThread):  # type: ignore[misc]
    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS
        return consumer

    async def on_start(self) -> None:
        await super().on_start()
        self.app.lease.watch(self._consumer._coordinator)


class SafeConsumer(driver.Consumer):  # type: ignore[misc]
    """What changes against Faust 0.15.3, each with a test in tests/integration/engine:

    - What is committed is what the app's OffsetTracker says, never what Faust thinks was acked: Faust acks messages it skips after a
      rebalance, and the batch of an agent that raised.
    - A fetch gets a copy of the set of active partitions. Faust hands over the live set, which can turn empty while the fetch waits;
      aiokafka reads "empty" as "all", and the records fetched then are dropped.
    - What was fetched before a rebalance and arrives after it is not handed over: it would be taken for what follows the committed offset.
    - Going back to what is committed includes partitions where nothing is committed yet.
    - No interval tree of offset gaps: the tracker passes over holes.
    - A fetch waits for data FETCH_WAIT_MS at most.
    - The app's Lease hears what the group's coordinator answers.
    """

    def _new_consumer_thread(self) -> PromptConsumerThread:
        return PromptConsumerThread(self, loop=self.loop, beacon=self.beacon)

    #: What was fetched could not be handed over: its partitions are read again from what is committed.
    _read_again = False

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
        return records

    async def perform_seek(self) -> None:
        """Also for partitions without a committed offset, which aiokafka leaves where they are."""
        await super().perform_seek()
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
