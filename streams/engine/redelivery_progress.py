"""What redelivery knows of its own progress: the counts, what waits per tier, and whether it has stopped without saying so."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Collection

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.engine.health import Health, StalledError
from streams.engine.redelivery_plan import tier_of
from streams.metrics import LagMetrics, RedeliveryMetrics

__all__ = ["RedeliveryProgress"]

_MEASURE_EVERY = 5.0
#: Longer than a fetch, a rebalance and a confirmation take on a busy cluster.
_STALLED_AFTER = 60.0
#: For questions to the brokers that only serve the gauges.
_ASK_SECONDS = 5.0


class RedeliveryProgress:
    """One per process, over all sessions. `clock`: monotonic seconds."""

    def __init__(self, metrics: RedeliveryMetrics, lag: LagMetrics, clock: Callable[[], float] = time.monotonic) -> None:
        self._metrics = metrics
        self._lag = lag
        self._clock = clock
        self._last_turn = clock()
        self._next_measure = 0.0
        self._waiting: Counter[str] = Counter()
        self._failure: str | None = None
        #: Position of each partition that has records to hand over, and since when it has stood there.
        self._stuck: dict[TopicPartition, tuple[int, float]] = {}

    def moved(self, tier: str, records: int, undated: int) -> None:
        self._metrics.redelivered(tier, records)
        for _ in range(undated):
            self._metrics.without_due_time(tier)

    def refused(self, code: str) -> None:
        self._metrics.dead_letter(code)

    def failed(self, error: BaseException) -> None:
        """A session ended; another will be tried."""
        self._failure = type(error).__name__
        self._metrics.reconnect(self._failure)
        self.reset()

    def reset(self) -> None:
        """Partitions moved, or the consumer is a new one."""
        self._stuck.clear()

    def health(self) -> Health:
        """Not alive when the loop has not turned for long, which is also so while the brokers are away."""
        still = self._clock() - self._last_turn
        return Health(
            ok=still < _STALLED_AFTER,
            detail={"seconds_since_last_turn": round(still, 1), "last_failure": self._failure, "waiting": dict(self._waiting)},
        )

    async def turn(self, consumer: AIOKafkaConsumer, paused: Collection[TopicPartition]) -> None:
        """Once a turn of the loop. Raises StalledError."""
        now = self._last_turn = self._clock()
        if now < self._next_measure:
            return
        self._next_measure = now + _MEASURE_EVERY
        try:
            async with asyncio.timeout(_ASK_SECONDS):
                lags = await self._measure(consumer)
        except TimeoutError:
            return  # a rebalance, or the brokers are away: the gauges keep their last values
        self._failure = None
        self._look_for_a_stall({tp: position for tp, (position, lag) in lags.items() if lag and tp not in paused}, now)

    async def _measure(self, consumer: AIOKafkaConsumer) -> dict[TopicPartition, tuple[int, int]]:
        """Position and lag per partition; puts them on the gauges."""
        assigned = consumer.assignment()
        ends = await consumer.end_offsets(list(assigned)) if assigned else {}
        found = {tp: (position := await consumer.position(tp), max(end - position, 0)) for tp, end in ends.items()}
        waiting = Counter(dict.fromkeys((*self._waiting, *map(tier_of, {tp.topic for tp in found})), 0))
        for tp, (_, lag) in found.items():
            waiting[tier_of(tp.topic)] += lag
        for tier, records in waiting.items():
            self._metrics.waiting(tier, records)
        self._waiting = waiting
        self._lag.replace({(tp.topic, tp.partition): lag for tp, (_, lag) in found.items()})
        return found

    def _look_for_a_stall(self, positions: dict[TopicPartition, int], now: float) -> None:
        before = self._stuck
        self._stuck = {
            tp: before[tp] if tp in before and before[tp][0] == position else (position, now) for tp, position in positions.items()
        }
        for tp, (position, since) in self._stuck.items():
            if now - since > _STALLED_AFTER:
                raise StalledError(
                    f"{tp.topic} partition {tp.partition}: nothing was handed over at offset {position} for {now - since:.0f} s"
                )
