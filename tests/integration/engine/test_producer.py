"""Confirmed sends against the real broker."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from streams.engine.kafka_clients import producer_options
from streams.engine.producer import BATCH_BYTES, ConfirmedProducer
from streams.settings import KafkaSettings
from tests.integration.engine.kafka_topics import create, read

pytestmark = pytest.mark.kafka


def options_for(bootstrap: str) -> dict[str, Any]:
    return producer_options(KafkaSettings(bootstrap_servers=(bootstrap,)))


@pytest.fixture
async def producer(kafka: str) -> AsyncIterator[ConfirmedProducer]:
    made = ConfirmedProducer(options_for(kafka))
    await made.start()
    yield made
    await made.stop()


async def test_a_send_that_resolved_stands_in_the_log_with_key_headers_and_offset(
    kafka: str, topic_prefix: str, producer: ConfirmedProducer
) -> None:
    topic = f"{topic_prefix}t"
    await create(kafka, topic)
    offsets: list[int] = []
    first = await producer.send(topic, b"k", b"v", headers=[("h", b"1"), ("h", b"2")], then=offsets.append)
    second = await producer.send(topic, b"k", None, then=offsets.append)
    await asyncio.gather(first, second)
    records = await read(kafka, topic)
    assert [(record.key, record.value, record.headers) for record in records] == [
        (b"k", b"v", (("h", b"1"), ("h", b"2"))),
        (b"k", None, ()),
    ]
    assert offsets == [record.offset for record in records] == [0, 1]


async def test_what_is_to_follow_a_send_has_run_before_anybody_who_awaits_it(
    kafka: str, topic_prefix: str, producer: ConfirmedProducer
) -> None:
    topic = f"{topic_prefix}t"
    await create(kafka, topic)
    seen: list[int] = []
    sends = [await producer.send(topic, b"k", b"%d" % number, partition=0, then=seen.append) for number in range(50)]
    for number, send in enumerate(sends):
        await send
        assert seen[number] == number
    assert seen == list(range(50))


async def test_single_sends_and_batches_of_a_partition_follow_in_the_order_of_the_log(
    kafka: str, topic_prefix: str, producer: ConfirmedProducer
) -> None:
    """The batches overflow, so that one send becomes several: what follows it still comes in its turn."""
    topic = f"{topic_prefix}t"
    await create(kafka, topic, max_message_bytes="2000000")
    big, seen, sends = b"x" * (BATCH_BYTES // 3), list[int](), []
    for turn in range(5):
        rows = [(b"%d-%d" % (turn, number), big) for number in range(4)]
        sends.append(await producer.send_batch(topic, 0, rows, then=seen.append))
        sends.append(await producer.send(topic, b"single", b"%d" % turn, partition=0, then=seen.append))
    await asyncio.gather(*sends)
    records = await read(kafka, topic)
    turns = [b"%d-%d" % (turn, number) for turn in range(5) for number in range(4)]
    assert [record.key for record in records if record.key != b"single"] == turns
    ends = [index for index, record in enumerate(records) if record.key == b"single" or record.key.endswith(b"-3")]
    assert seen == ends


async def test_a_batch_gives_the_offset_of_its_last_record(kafka: str, topic_prefix: str, producer: ConfirmedProducer) -> None:
    topic = f"{topic_prefix}t"
    await create(kafka, topic)
    offsets: list[int] = []
    await (await producer.send(topic, b"before", b"", partition=0))
    await (await producer.send_batch(topic, 0, [(b"a", b"1"), (b"b", None), (b"c", b"3")], then=offsets.append))
    assert offsets == [3]
    assert [(record.key, record.value) for record in await read(kafka, topic)][1:] == [(b"a", b"1"), (b"b", None), (b"c", b"3")]


async def test_a_record_larger_than_a_batch_goes_alone(kafka: str, topic_prefix: str, producer: ConfirmedProducer) -> None:
    topic = f"{topic_prefix}t"
    await create(kafka, topic, max_message_bytes="2000000")
    huge = b"x" * (2 * BATCH_BYTES)
    offsets: list[int] = []
    await (await producer.send_batch(topic, 0, [(b"a", b"1"), (b"huge", huge), (b"c", b"3")], then=offsets.append))
    assert [(record.key, len(record.value)) for record in await read(kafka, topic)] == [(b"a", 1), (b"huge", len(huge)), (b"c", 1)]
    assert offsets == [2]


async def test_a_send_that_the_broker_refuses_raises_and_nothing_follows_it(
    kafka: str, topic_prefix: str, producer: ConfirmedProducer
) -> None:
    topic = f"{topic_prefix}t"
    await create(kafka, topic, max_message_bytes="1000")
    seen: list[int] = []
    with pytest.raises(MessageSizeTooLargeError):
        await (await producer.send(topic, b"k", b"x" * 5000, partition=0, then=seen.append))
    with pytest.raises(MessageSizeTooLargeError):
        await (await producer.send_batch(topic, 0, [(b"k", b"x" * 5000)], then=seen.append))
    assert seen == []


async def test_where_one_batch_of_several_fails_nothing_follows_the_last(
    kafka: str, topic_prefix: str, producer: ConfirmedProducer
) -> None:
    topic = f"{topic_prefix}t"
    await create(kafka, topic, max_message_bytes=str(BATCH_BYTES // 2))
    seen: list[int] = []
    rows = [(b"too large", b"x" * (BATCH_BYTES - 200)), (b"fits", b"y" * 300)]
    with pytest.raises(KafkaError):
        await (await producer.send_batch(topic, 0, rows, then=seen.append))
    assert seen == []


async def test_what_fails_after_a_send_fails_for_whoever_awaits_it(kafka: str, topic_prefix: str, producer: ConfirmedProducer) -> None:
    topic = f"{topic_prefix}t"
    await create(kafka, topic)

    def then(_offset: int) -> None:
        raise OSError("disk full")

    for send in (
        await producer.send(topic, b"k", b"v", partition=0, then=then),
        await producer.send_batch(topic, 0, [(b"k", b"v")], then=then),
    ):
        with pytest.raises(OSError, match="disk full"):
            await send


async def test_giving_up_waiting_does_not_undo_what_follows(kafka: str, topic_prefix: str, producer: ConfirmedProducer) -> None:
    topic = f"{topic_prefix}t"
    await create(kafka, topic)
    seen: list[int] = []
    first = await producer.send(topic, b"k", b"1", partition=0, then=seen.append)
    first.cancel()
    await (await producer.send(topic, b"k", b"2", partition=0))
    assert seen == [0]


async def test_keyed_rows_go_where_kafkas_own_partitioner_puts_them_in_order(
    kafka: str, topic_prefix: str, producer: ConfirmedProducer
) -> None:
    topic, other = f"{topic_prefix}t", f"{topic_prefix}o"
    await create(kafka, topic, other, partitions=7)
    keys = [b"staff-%d" % number for number in range(60)] + ["ünïcode 🏊".encode(), b"", b"\x00\xff"]
    rows = [(key, b"%d" % turn) for turn in range(3) for key in keys]
    await asyncio.gather(*await producer.send_keyed(topic, rows))
    async with AIOKafkaProducer(bootstrap_servers=kafka) as theirs:
        await asyncio.gather(*[await theirs.send(other, value, key=key) for key, value in rows])
    ours = [(record.partition, record.key, record.value) for record in await read(kafka, topic, 7)]
    assert sorted(ours) == sorted((record.partition, record.key, record.value) for record in await read(kafka, other, 7))
    for key in keys:
        assert [value for _, found, value in ours if found == key] == [b"0", b"1", b"2"]
        assert await producer.partition_for(topic, key) == next(partition for partition, found, _ in ours if found == key)


async def test_a_single_send_goes_to_the_partition_of_its_key(kafka: str, topic_prefix: str, producer: ConfirmedProducer) -> None:
    topic = f"{topic_prefix}t"
    await create(kafka, topic, partitions=5)
    await (await producer.send(topic, b"ada", b"1"))
    (record,) = await read(kafka, topic, 5)
    assert record.partition == await producer.partition_for(topic, b"ada")


async def test_stopping_sends_what_waits(kafka: str, topic_prefix: str) -> None:
    topic = f"{topic_prefix}t"
    await create(kafka, topic)
    producer = ConfirmedProducer(options_for(kafka))
    await asyncio.gather(producer.start(), producer.start())
    for number in range(100):
        await producer.send(topic, b"k", b"%d" % number, partition=0)
    await producer.stop()
    await producer.stop()
    assert [record.value for record in await read(kafka, topic)] == [b"%d" % number for number in range(100)]


async def test_misuse_is_refused(kafka: str, topic_prefix: str, producer: ConfirmedProducer) -> None:
    with pytest.raises(RuntimeError, match="not started"):
        await ConfirmedProducer(options_for(kafka)).send("t", b"k", b"v", partition=0)
    with pytest.raises(ValueError, match="empty"):
        await producer.send_batch(f"{topic_prefix}t", 0, [])
    with pytest.raises(ValueError, match="keys"):
        await producer.send_keyed(f"{topic_prefix}t", [(None, b"v")])
