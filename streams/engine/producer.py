"""Confirmed sends: an own idempotent producer (acks=all) whose every send can be awaited until the broker has it.

Faust's `topic.send` returns before delivery, only logs a delivery error, and lets a commit pass a failed send.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import murmur2
from aiokafka.protocol.produce import ProduceRequest

from streams.engine.pace import Pace

__all__ = ["ConfirmedProducer", "Headers", "Row"]

Headers = Sequence[tuple[str, bytes]]
#: Returns when records may go out.
Hold = Callable[[], Awaitable[None]]
#: Key and value of one record; None as value is a tombstone.
Row = tuple[bytes | None, bytes | None]

#: A request to the broker may carry this much; single records stay far below (see schemas.envelope.MAX_PAYLOAD_BYTES).
MAX_REQUEST_BYTES = 4 * 1024 * 1024
BATCH_BYTES = 512 * 1024


class ConfirmedProducer:
    """All methods return futures that resolve when every in-sync replica has the records, or raise what went wrong."""

    def __init__(self, client: Mapping[str, Any]) -> None:
        """`client`: connection settings for aiokafka (see engine.kafka_clients)."""
        self._client = client
        self._producer: AIOKafkaProducer | None = None
        self._hold: Hold = _at_once
        self._starting = asyncio.Lock()
        self._partition_counts: dict[str, int] = {}
        self._partition_of: dict[tuple[str, bytes], int] = {}

    def only_while(self, hold: Hold) -> None:
        """`hold` is awaited before records go out to a broker, also those that had waited here. Before `start`."""
        self._hold = hold

    async def start(self) -> None:
        """Idempotent; has to run in the loop that sends."""
        async with self._starting:
            if self._producer is None:
                producer = AIOKafkaProducer(
                    **self._client,
                    acks="all",
                    enable_idempotence=True,
                    linger_ms=0,
                    max_batch_size=BATCH_BYTES,
                    max_request_size=MAX_REQUEST_BYTES,
                )
                try:
                    await producer.start()
                except BaseException:
                    await producer.stop()
                    raise
                _pace_sends(producer.client, self._hold)
                self._producer = producer

    async def stop(self) -> None:
        """Sends what waits, then disconnects. Idempotent."""
        if self._producer is not None:
            producer, self._producer = self._producer, None
            await producer.stop()

    @property
    def _started(self) -> AIOKafkaProducer:
        if self._producer is None:
            raise RuntimeError("the producer is not started")
        return self._producer

    async def partition_for(self, topic: str, key: bytes) -> int:
        """The partition that Kafka's default partitioner gives a key."""
        cached = self._partition_of.get((topic, key))
        if cached is not None:
            return cached
        count = self._partition_counts.get(topic)
        if count is None:
            count = self._partition_counts[topic] = len(await self._started.partitions_for(topic))
        if len(self._partition_of) > 1_000_000:
            self._partition_of.clear()
        partition: int = (murmur2(key) & 0x7FFFFFFF) % count
        self._partition_of[(topic, key)] = partition
        return partition

    async def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        *,
        headers: Headers = (),
        partition: int | None = None,
        then: Callable[[int], None] | None = None,
    ) -> asyncio.Future[Any]:
        """One record. `then(offset)` runs when it is confirmed, before anybody who awaits the future, in the order of the log."""
        if partition is None and key is not None:
            partition = await self.partition_for(topic, key)
        future = await self._started.send(topic, value, key=key, partition=partition, headers=list(headers))
        return future if then is None else _followed(future, lambda metadata: then(metadata.offset))

    async def send_batch(
        self, topic: str, partition: int, rows: Iterable[Row], *, then: Callable[[int], None] | None = None
    ) -> asyncio.Future[Any]:
        """Records of one partition in as few batches as they fit in. `then` gets the offset of the last one."""
        producer = self._started
        futures: list[asyncio.Future[Any]] = []
        batch, count = producer.create_batch(), 0
        for key, value in rows:
            if batch.append(key=key, value=value, timestamp=None) is None:
                futures.append(await producer.send_batch(batch, topic, partition=partition))
                batch, count = producer.create_batch(), 0
                batch.append(key=key, value=value, timestamp=None)
            count += 1
        if count:
            batch.close()
            futures.append(await producer.send_batch(batch, topic, partition=partition))
        if not futures:
            raise ValueError("an empty batch")
        if then is not None:
            before = futures[:-1]

            def follow(metadata: Any) -> None:
                for earlier in before:
                    earlier.result()  # batches of a partition are confirmed in order; where one failed, `then` must not run
                then(metadata.offset + count - 1)

            futures[-1] = _followed(futures[-1], follow)
        return futures[-1] if len(futures) == 1 else asyncio.gather(*futures)

    async def send_keyed(self, topic: str, rows: Iterable[Row]) -> list[asyncio.Future[Any]]:
        """Records partitioned by key, batched per partition, in order within each."""
        by_partition: dict[int, list[Row]] = {}
        for row in rows:
            if row[0] is None:
                raise ValueError("a keyed send needs keys")
            partition = self._partition_of.get((topic, row[0]))
            if partition is None:
                partition = await self.partition_for(topic, row[0])
            by_partition.setdefault(partition, []).append(row)
        return [await self.send_batch(topic, partition, batch) for partition, batch in by_partition.items()]


def _pace_sends(client: Any, hold: Hold) -> None:
    """`hold` comes last: between a send and its request records wait in batches, for as long as this process is stopped."""
    send = client.send
    pace = Pace()

    async def in_time(node_id: int, request: Any, **options: Any) -> Any:
        if isinstance(request, ProduceRequest):
            await pace.wait(node_id)
            await hold()
            pace.goes(node_id)
        return await send(node_id, request, **options)

    client.send = in_time


async def _at_once() -> None:
    """Nothing holds up records."""


def _followed(future: asyncio.Future[Any], then: Callable[[Any], None]) -> asyncio.Future[Any]:
    """A future that resolves after `then` ran on the result of the first."""
    follower: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def follow(done: asyncio.Future[Any]) -> None:
        if done.cancelled():
            follower.cancel()
            return
        error = done.exception()
        if error is None:
            try:
                then(done.result())
            except Exception as problem:  # noqa: BLE001 - handed to whoever awaits
                error = problem
        if follower.cancelled():
            return
        if error is not None:
            follower.set_exception(error)
        else:
            follower.set_result(done.result())

    future.add_done_callback(follow)
    return follower
