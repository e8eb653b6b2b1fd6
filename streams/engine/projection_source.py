"""The records that a projection reads: every partition of its topics, from positions that it keeps itself. No consumer group takes part."""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.engine.health import StalledError

__all__ = ["Place", "ProjectionSource"]

Place = tuple[str, int]

#: The longest wait for records, and so for a stop to be seen; a fetch waits less, so that "nothing new" is known soon.
_POLL_MS = 500
_FETCH_WAIT_MS = 250
#: Records stand in a partition and none is handed over: longer than a fetch and an election of a new leader take.
_STALLED_AFTER = 60.0
_LOOK_EVERY = 5.0


class ProjectionSource:
    """An async context manager. `positions`: where to begin; any other partition, or one whose position is gone, from its oldest record.

    Raises aiokafka's errors.
    """

    def __init__(
        self,
        options: Mapping[str, Any],
        *,
        topics: Sequence[str],
        partitions: int,
        positions: Mapping[Place, int],
        max_records: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`options`: of aiokafka's consumer, without a group."""
        self._consumer = AIOKafkaConsumer(**options, fetch_max_wait_ms=_FETCH_WAIT_MS)
        self._places = [TopicPartition(topic, number) for topic in topics for number in range(partitions)]
        self._positions = dict(positions)
        self._max_records = max_records
        self._clock = clock
        self._next_look = 0.0
        self._lags: dict[Place, int] = {}
        self._moved_at = dict.fromkeys(self._places, clock())
        #: When each partition's last answer of the brokers came that was seen, and the one before it (Unix ms).
        self._answers: dict[TopicPartition, tuple[int | None, int | None]] = dict.fromkeys(self._places, (None, None))

    async def __aenter__(self) -> "ProjectionSource":
        try:
            await self._consumer.start()
            self._consumer.assign(self._places)
            for place in self._places:
                position = self._positions.get((place.topic, place.partition))
                if position is not None:
                    self._consumer.seek(place, position)
        except BaseException:
            await self._consumer.stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._consumer.stop()

    async def poll(self) -> dict[Place, Sequence[Any]]:
        """What came within half a second, by partition, in order."""
        found = await self._consumer.getmany(timeout_ms=_POLL_MS, max_records=self._max_records)
        now = self._clock()
        for place in found:
            self._moved_at[place] = now
        for place in self._places:
            self._answered(place)
        await self._look(now)
        return {(place.topic, place.partition): records for place, records in found.items()}

    async def ends(self) -> dict[Place, int]:
        """The end of every partition now."""
        found = await self._consumer.end_offsets(self._places)
        return {(place.topic, place.partition): end for place, end in found.items()}

    async def reached(self) -> dict[Place, int]:
        """Where each partition is read to. Past the last record where what follows is no record (a transaction's mark)."""
        return {(place.topic, place.partition): await self._consumer.position(place) for place in self._places}

    def lags(self) -> dict[Place, int]:
        """Records not yet read, as of the last look."""
        return self._lags

    async def read_upto(self) -> datetime | None:
        """Everything that stood in the topics by then is read. None when something is left to read by the brokers' last answers, or may be.

        An answer is as old as the question, which came after the answer before: a busy process takes it long after it was given.
        """
        asked: list[int] = []
        for place in self._places:
            end = self._consumer.last_stable_offset(place)
            at = self._answered(place)
            if end is None or at is None or await self._consumer.position(place) < end:
                return None
            asked.append(at)
        return datetime.fromtimestamp(min(asked) / 1000, UTC)

    def _answered(self, place: TopicPartition) -> int | None:
        """When the answer before the newest one came (Unix ms)."""
        newest, before = self._answers[place]
        at = self._consumer.last_poll_timestamp(place)
        if at != newest:
            newest, before = at, newest
            self._answers[place] = (newest, before)
        return before

    async def _look(self, now: float) -> None:
        """Now and then: how far the ends are, and whether a partition stands still before its end. Raises StalledError."""
        if now < self._next_look:
            return
        self._next_look = now + _LOOK_EVERY
        ends, reached = await self.ends(), await self.reached()
        self._lags = {place: max(end - reached[place], 0) for place, end in ends.items()}
        for place in self._places:
            if not self._lags[place.topic, place.partition]:
                self._moved_at[place] = now
            elif now - self._moved_at[place] > _STALLED_AFTER:
                raise StalledError(f"{place.topic} partition {place.partition}: nothing was handed over for {_STALLED_AFTER:.0f} s")
