"""Liveness by real progress: a worker whose input waits and whose committed offsets stand still is not alive, whatever its process says."""

import time
from collections.abc import Callable
from typing import Any

from aiokafka.errors import IllegalStateError

from streams.engine.health import Health
from streams.metrics import LagMetrics

__all__ = ["OffsetProgress"]

#: Input may wait this long without one offset moving: longer than any call, drain or rebalance takes.
STALL_SECONDS = 180.0


class OffsetProgress:
    """Compares, per partition, what was finished with the end of the log, once a second."""

    def __init__(self, app: Any, metrics: LagMetrics, clock: Callable[[], float] = time.monotonic) -> None:
        self._app = app
        self._metrics = metrics
        self._clock = clock
        self._moved_at = clock()
        self._seen: dict[tuple[str, int], int] = {}
        self._lag: dict[tuple[str, int], int] = {}

    async def look(self) -> None:
        consumer = self._app.consumer
        positions = self._app.offsets.positions()
        committed = consumer._committed_offset
        lags: dict[tuple[str, int], int] = {}
        reached: dict[tuple[str, int], int] = {}
        for tp in consumer.assignment():
            if tp.topic in self._app.tables.changelog_topics:
                continue
            try:
                key = (tp.topic, tp.partition)
                at, end = positions.get(key) or committed.get(tp) or 0, consumer.highwater(tp) or 0
                waits = at < end and not consumer.only_marks_follow(tp, at)
            except (IllegalStateError, AttributeError):  # a rebalance is under way
                return
            reached[key] = at
            lags[key] = end - at if waits else 0
        if reached != self._seen or not any(lags.values()):
            self._moved_at = self._clock()
        self._seen, self._lag = reached, lags
        self._metrics.replace(lags)

    def health(self) -> Health:
        still = self._clock() - self._moved_at
        detail = {"lag": sum(self._lag.values()), "partitions": len(self._lag), "seconds_without_progress": round(still, 1)}
        return Health(ok=still < STALL_SECONDS, detail=detail)
