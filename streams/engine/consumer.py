"""Faust's aiokafka consumer without its ways to lose input: commits come from an OffsetTracker, fetches get their own partition set."""

from collections.abc import Iterable, Mapping
from typing import Any

from faust.transport.drivers import aiokafka as driver
from faust.types import TP

__all__ = ["SafeTransport"]


class SafeConsumer(driver.Consumer):  # type: ignore[misc]
    """What changes against Faust 0.15.3, each with a test in tests/integration/engine:

    - What is committed is what the app's OffsetTracker says, never what Faust thinks was acked: Faust acks messages it skips after a
      rebalance, and the batch of an agent that raised.
    - A fetch gets a copy of the set of active partitions. Faust hands over the live set, which can turn empty while the fetch waits;
      aiokafka reads "empty" as "all", and the records fetched then are dropped.
    - No interval tree of offset gaps: the tracker passes over holes.
    """

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> Any:
        own = None if active_partitions is None else set(active_partitions)
        return await super()._getmany(own, timeout)

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
