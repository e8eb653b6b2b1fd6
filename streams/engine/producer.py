"""Confirmed sends: an own idempotent producer (acks=all) whose every send can be awaited until the broker has it.

Faust's `topic.send` returns before delivery, only logs a delivery error, and lets a commit pass a failed send.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import murmur2
from aiokafka.protocol.produce import ProduceRequest

from streams.engine.outbox import Outbox, Record

__all__ = ["ConfirmedProducer", "Headers", "Row"]

Headers = Sequence[tuple[str, bytes]]
#: Returns when records may go out.
Hold = Callable[[], Awaitable[None]]
#: Key and value of one record; None as value is a tombstone.
Row = tuple[bytes | None, bytes | None]

BATCH_BYTES = 512 * 1024


class ConfirmedProducer:
    """All methods return futures that resolve with the last offset when every in-sync replica has the records, or raise what went wrong.

    `later`: nobody waits for these records; they may go a moment later, together with others.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        """`options`: of aiokafka's producer, as engine.kafka_clients.producer_options has them."""
        self._options = options
        self._producer: AIOKafkaProducer | None = None
        self._outbox: Outbox | None = None
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
                producer = AIOKafkaProducer(**self._options, linger_ms=0, max_batch_size=BATCH_BYTES)
                try:
                    await producer.start()
                except BaseException:
                    await producer.stop()
                    raise
                _hold_sends(producer.client, self._hold)
                self._producer, self._outbox = producer, Outbox(producer)

    async def stop(self) -> None:
        """Sends what waits, then disconnects. Idempotent."""
        if self._producer is not None and self._outbox is not None:
            producer, outbox, self._producer, self._outbox = self._producer, self._outbox, None, None
            await outbox.empty()
            await producer.stop()

    async def partition_for(self, topic: str, key: bytes) -> int:
        """The partition that Kafka's default partitioner gives a key."""
        cached = self._partition_of.get((topic, key))
        if cached is not None:
            return cached
        count = self._partition_counts.get(topic) or await self._partition_count(topic)
        if len(self._partition_of) > 1_000_000:
            self._partition_of.clear()
        partition: int = (murmur2(key) & 0x7FFFFFFF) % count
        self._partition_of[(topic, key)] = partition
        return partition

    async def _partition_count(self, topic: str) -> int:
        if self._producer is None:
            raise RuntimeError("the producer is not started")
        count = self._partition_counts[topic] = len(await self._producer.partitions_for(topic))
        return count

    async def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        *,
        headers: Headers = (),
        partition: int | None = None,
        then: Callable[[int], None] | None = None,
        later: bool = False,
    ) -> asyncio.Future[int]:
        """One record. `then(offset)` runs when it is confirmed, before anybody who awaits the future, in the order of the log."""
        if partition is None:
            if key is None:
                raise ValueError("a send needs a key or a partition")
            partition = await self.partition_for(topic, key)
        return await self._put(topic, partition, [(key, value, list(headers))], then, later)

    async def send_batch(
        self, topic: str, partition: int, rows: Iterable[Row], *, then: Callable[[int], None] | None = None, later: bool = False
    ) -> asyncio.Future[int]:
        """Records of one partition, one behind the other in its log. `then` gets the offset of the last one."""
        records: list[Record] = [(key, value, []) for key, value in rows]
        if not records:
            raise ValueError("an empty batch")
        return await self._put(topic, partition, records, then, later)

    async def _put(
        self, topic: str, partition: int, records: list[Record], then: Callable[[int], None] | None, later: bool
    ) -> asyncio.Future[int]:
        if topic not in self._partition_counts:
            await self._partition_count(topic)  # a topic that cannot be had fails here, and holds up no other
        if self._outbox is None:
            raise RuntimeError("the producer is not started")
        return self._outbox.put(topic, partition, records, then, later)

    async def send_keyed(self, topic: str, rows: Iterable[Row]) -> list[asyncio.Future[int]]:
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


def _hold_sends(client: Any, hold: Hold) -> None:
    """`hold` comes last: between a send and its request records wait in batches, for as long as this process is stopped."""
    send = client.send

    async def in_time(node_id: int, request: Any, **options: Any) -> Any:
        if isinstance(request, ProduceRequest):
            await hold()
        return await send(node_id, request, **options)

    client.send = in_time


async def _at_once() -> None:
    """Nothing holds up records."""
