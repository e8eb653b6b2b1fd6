"""A table's rows are local once the broker has them, in the order of the changelog, and only where they belong."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from aiokafka.errors import MessageSizeTooLargeError

from streams.engine.app import AppConfig, make_app
from streams.engine.held import ForeignRowsError, HeldPartition
from streams.engine.kafka_clients import producer_options
from streams.engine.producer import ConfirmedProducer
from streams.engine.store import PartitionStore, open_partition
from streams.engine.table import ChangelogTable, PartitionMovedError
from streams.settings import KafkaSettings
from tests.integration.engine.kafka_topics import create, read

pytestmark = pytest.mark.kafka


@dataclass
class Held:
    """A table of an app that does not run, with partition 0 held."""

    table: ChangelogTable
    store: PartitionStore
    bootstrap: str
    #: Whether the worker's lease lasts.
    lease: asyncio.Event

    async def changelog(self) -> list[tuple[bytes, bytes | None]]:
        return [(record.key, record.value) for record in await read(self.bootstrap, self.table.changelog_topic.get_topic_name())]


@pytest.fixture
async def held(kafka: str, topic_prefix: str, tmp_path: Path) -> AsyncIterator[Held]:
    producer = ConfirmedProducer(producer_options(KafkaSettings(bootstrap_servers=(kafka,))))
    config = AppConfig(
        app_id=f"{topic_prefix}app",
        brokers=(kafka,),
        client={"bootstrap_servers": kafka},
        partitions=1,
        store="rocksdb",
        directory=tmp_path,
        chunk=10,
        buffered_chunks=2,
        session_timeout=timedelta(seconds=6),
    )
    table = make_app(config, producer).changelog_table("rows")
    lease = asyncio.Event()
    lease.set()
    producer.only_while(lambda: _until(lease))
    await create(kafka, table.changelog_topic.get_topic_name(), cleanup_policy="compact", max_message_bytes="100000")
    store = open_partition("rocksdb", tmp_path, "rows", 0)
    table.data.partitions[0] = HeldPartition(store)
    table.held(0).filled(0)
    await producer.start()
    yield Held(table, store, kafka, lease)
    lease.set()
    await producer.stop()
    store.close()


async def _until(lease: asyncio.Event) -> None:
    await lease.wait()


async def test_a_row_is_local_once_it_is_confirmed_and_not_before(held: Held) -> None:
    await (await held.table.write_row(0, b"a", b"old"))
    assert (held.table.get_row(0, b"a"), held.store.offset()) == (b"old", 0)
    single = await held.table.write_row(0, b"a", b"new")
    batch = await held.table.write(0, {b"b": b"1", b"c": b"2"})
    assert (held.table.get_row(0, b"a"), held.table.get_row(0, b"b"), held.store.offset()) == (b"old", None, 0)
    await asyncio.gather(single, batch)
    assert (list(held.table.scan(0)), held.store.offset()) == ([(b"a", b"new"), (b"b", b"1"), (b"c", b"2")], 3)


async def test_many_writes_of_one_row_end_as_the_changelog_does(held: Held) -> None:
    writes = []
    for number in range(200):
        row = b"%d" % number
        writes.append(await (held.table.write(0, {b"a": row}) if number % 3 else held.table.write_row(0, b"a", row)))
    await asyncio.gather(*writes)
    changelog = await held.changelog()
    assert len(changelog) == 200
    assert (held.table.get_row(0, b"a"), held.store.offset()) == (changelog[-1][1], 199)


async def test_a_row_that_is_taken_away_is_a_tombstone_in_the_changelog(held: Held) -> None:
    await (await held.table.write_row(0, b"a", b"1"))
    await (await held.table.write_row(0, b"a", None))
    await (await held.table.write(0, {b"b": None}))
    assert await held.changelog() == [(b"a", b"1"), (b"a", None), (b"b", None)]
    assert list(held.table.scan(0)) == []


async def test_a_write_that_the_broker_refuses_is_not_local(held: Held) -> None:
    for write in (held.table.write_row(0, b"a", b"x" * 200_000), held.table.write(0, {b"a": b"x" * 200_000})):
        with pytest.raises(MessageSizeTooLargeError):
            await (await write)
    assert (held.table.get_row(0, b"a"), held.store.offset()) == (None, None)


async def test_a_row_confirmed_after_its_partition_went_away_is_not_local(held: Held) -> None:
    write = await held.table.write_row(0, b"a", b"1")
    del held.table.data.partitions[0]
    await write
    assert held.store.get(b"a") is None
    assert await held.changelog() == [(b"a", b"1")]


async def test_a_partition_of_another_worker_is_neither_read_nor_written(held: Held) -> None:
    with pytest.raises(PartitionMovedError):
        held.table.get_row(7, b"a")
    with pytest.raises(PartitionMovedError):
        await held.table.write_row(7, b"a", b"1")
    with pytest.raises(PartitionMovedError):
        await held.table.write(7, {b"a": b"1"})
    with pytest.raises(PartitionMovedError):
        held.table.scan(7)
    assert held.table.held_partitions() == [0]


async def test_a_row_stays_here_while_the_lease_does_not_last(held: Held) -> None:
    await (await held.table.write_row(0, b"a", b"1"))
    held.lease.clear()
    write = await held.table.write_row(0, b"a", b"2")
    await _write_as_another(held, b"b", b"theirs")
    assert [key for key, _ in await held.changelog()] == [b"a", b"b"]
    held.lease.set()
    with pytest.raises(ForeignRowsError):
        await write
    assert (held.table.get_row(0, b"a"), held.store.offset()) == (b"1", 0)


async def _write_as_another(held: Held, key: bytes, row: bytes) -> None:
    other = ConfirmedProducer(producer_options(KafkaSettings(bootstrap_servers=(held.bootstrap,))))
    await other.start()
    await (await other.send(held.table.changelog_topic.get_topic_name(), key, row, partition=0))
    await other.stop()
