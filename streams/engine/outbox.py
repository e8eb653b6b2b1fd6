"""Records on their way to the broker, gathered per partition: those that wait for the same request share a batch (docs/adr/013)."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["Outbox", "Record"]

#: Key, value and headers; None as value is a tombstone.
Record = tuple[bytes | None, bytes | None, list[tuple[str, bytes]]]
Then = Callable[[int], None]

#: From one round of requests to the next, at least.
DISTANCE_SECONDS = 0.004
#: What nobody waits for may wait so long for others to go with it.
LATER_SECONDS = 0.02
#: So many records of a partition wait for no others.
FULL = 1_000


class Parcel:
    """The records of one send. `packed`: how many of them are in a batch already."""

    __slots__ = ("future", "packed", "records", "then")

    def __init__(self, records: Sequence[Record], then: Then | None, future: asyncio.Future[int]) -> None:
        self.records = records
        self.then = then
        self.future = future
        self.packed = 0

    def confirmed(self, last_offset: int) -> None:
        """`then` runs also when nobody waits any more: the records are in the log."""
        try:
            if self.then is not None:
                self.then(last_offset)
        except Exception as problem:  # noqa: BLE001 - handed to whoever awaits
            self.failed(problem)
            return
        if not self.future.done():
            self.future.set_result(last_offset)

    def failed(self, error: BaseException) -> None:
        if not self.future.done():
            self.future.set_exception(error)


#: A parcel that ends in a batch, and the place of its last record there.
Ended = tuple[Parcel, int]


class PartitionQueue:
    """What waits for one partition, in order. `busy`: a batch is not confirmed yet, and the next has to wait, so that it grows."""

    __slots__ = ("busy", "due", "partition", "topic", "waiting", "weight")

    def __init__(self, topic: str, partition: int) -> None:
        self.topic = topic
        self.partition = partition
        self.waiting: deque[Parcel] = deque()
        self.weight = 0
        self.due = 0.0
        self.busy = False

    def add(self, parcel: Parcel, due: float) -> None:
        """`due`: on the clock of the outbox."""
        self.due = due if not self.waiting else min(self.due, due)
        self.waiting.append(parcel)
        self.weight += len(parcel.records)
        if self.weight >= FULL:
            self.due = 0.0

    def pack(self, batch: Any, ended: list[Ended]) -> None:
        """Fill a batch; `ended` gets the parcels that end in it. A record too large for any batch goes alone."""
        place = -1
        while self.waiting:
            parcel = self.waiting[0]
            for key, value, headers in parcel.records[parcel.packed :] if parcel.packed else parcel.records:
                if batch.append(key=key, value=value, timestamp=None, headers=headers) is None:
                    return
                parcel.packed += 1
                self.weight -= 1
                place += 1
            ended.append((parcel, place))
            self.waiting.popleft()

    def fail(self, ended: list[Ended], error: BaseException) -> None:
        """A batch failed: with it the parcels that ended in it, and one of which only a part was in it, or that could not be packed."""
        for parcel, _ in ended:
            parcel.failed(error)
        if self.waiting and (self.waiting[0].packed or not ended):
            begun = self.waiting.popleft()
            self.weight -= len(begun.records) - begun.packed
            begun.failed(error)


class Outbox:
    """One batch of a partition is under way at a time, and rounds of requests keep a distance. A record that comes alone goes at once."""

    def __init__(
        self,
        producer: Any,
        *,
        clock: Callable[[], float] = time.monotonic,
        call_later: Callable[[float, Callable[[], None]], asyncio.Handle] | None = None,
    ) -> None:
        """`producer`: an AIOKafkaProducer that was started in the running event loop. `call_later`: the loop's own, unless given."""
        self._producer = producer
        self._loop = asyncio.get_running_loop()
        self._clock = clock
        self._call_later = call_later or self._loop.call_later
        self._queues: dict[tuple[str, int], PartitionQueue] = {}
        self._ready: dict[PartitionQueue, None] = {}
        self._next_round = 0.0
        self._timer: tuple[float, asyncio.Handle] | None = None
        self._rounds: set[asyncio.Task[None]] = set()

    def put(self, topic: str, partition: int, records: Sequence[Record], then: Then | None, later: bool) -> asyncio.Future[int]:
        """Resolves with the offset of the last record, once every in-sync replica has them all and `then(offset)` has run."""
        queue = self._queues.get((topic, partition))
        if queue is None:
            queue = self._queues[(topic, partition)] = PartitionQueue(topic, partition)
        future: asyncio.Future[int] = self._loop.create_future()
        now = self._clock()
        queue.add(Parcel(records, then, future), now + LATER_SECONDS if later else now)
        if not queue.busy:
            self._ready[queue] = None
            self._arm(queue.due, now)
        return future

    def _arm(self, due: float, now: float) -> None:
        at = max(due, self._next_round, now)
        if self._timer is not None:
            if self._timer[0] <= at:
                return
            self._timer[1].cancel()
        wait = at - now
        self._timer = (at, self._call_later(wait, self._round) if wait > 0 else self._loop.call_soon(self._round))

    def _round(self) -> None:
        """Send what is due; what falls due a moment later waits for the next round."""
        self._timer = None
        now = self._clock()
        soon = now + 0.001  # timers of the loop count whole milliseconds
        due = [queue for queue in self._ready if queue.due <= soon]
        for queue in due:
            del self._ready[queue]
            queue.busy = True
        if due:
            self._next_round = now + DISTANCE_SECONDS
            task = self._loop.create_task(self._send(due))
            self._rounds.add(task)
            task.add_done_callback(self._rounds.discard)
        if self._ready:
            self._arm(min(queue.due for queue in self._ready), now)

    async def _send(self, queues: Sequence[PartitionQueue]) -> None:
        for queue in queues:
            ended: list[Ended] = []
            try:
                batch = self._producer.create_batch()
                queue.pack(batch, ended)
                batch.close()
                confirmation = await self._producer.send_batch(batch, queue.topic, partition=queue.partition)
            except BaseException as error:  # noqa: BLE001 - handed to whoever awaits
                self._over(queue, ended, error=error)
            else:
                confirmation.add_done_callback(lambda done, queue=queue, ended=ended: self._confirmed(queue, ended, done))

    def _confirmed(self, queue: PartitionQueue, ended: list[Ended], done: asyncio.Future[Any]) -> None:
        if done.cancelled():
            self._over(queue, ended, error=ConnectionAbortedError("the producer was stopped"))
            return
        error = done.exception()
        if error is None:
            first = done.result().offset
            for parcel, place in ended:
                parcel.confirmed(first + place)
        self._over(queue, ended, error=error)

    def _over(self, queue: PartitionQueue, ended: list[Ended], *, error: BaseException | None) -> None:
        if error is not None:
            queue.fail(ended, error)
        queue.busy = False
        if queue.waiting:
            self._ready[queue] = None
            self._arm(queue.due, self._clock())

    async def empty(self) -> None:
        """Returns when everything that waited is on its way; what may go later goes now."""
        while self._rounds or any(queue.waiting for queue in self._queues.values()):
            for queue in self._queues.values():
                queue.due = 0.0
            if self._ready:
                self._arm(0.0, self._clock())
            await asyncio.sleep(DISTANCE_SECONDS)
