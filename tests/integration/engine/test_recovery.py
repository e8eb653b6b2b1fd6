"""Tables filled from their changelogs, whatever became of the disk or the changelog."""

import shutil

import pytest
from aiokafka import AIOKafkaProducer

from tests.integration.engine.conftest import Tallying
from tests.integration.engine.kafka_topics import delete_records

pytestmark = pytest.mark.kafka

ROW = b'{"last": 9, "counted": 10, "gaps": 0}'


@pytest.mark.parametrize("store", ["memory", "rocksdb"])
async def test_a_worker_with_a_lost_disk_rebuilds_its_table(tallying: Tallying, store: str) -> None:
    tallying.store = store
    await tallying.make_topics()
    await tallying.give("a", range(40), partition=0)
    await tallying.give("b", range(30), partition=1)
    worker = await tallying.start()
    await tallying.counted(a=39, b=29)
    assert worker.terminate() == 0
    shutil.rmtree(tallying.data)
    await tallying.give("a", range(40, 45), partition=0)
    await tallying.start()
    await tallying.counted(a=44, b=29)


async def test_a_table_is_filled_from_a_changelog_whose_last_record_cannot_be_read(tallying: Tallying) -> None:
    """Faust waits for the record at the end of the changelog; here that is a transaction's marker, which nobody is given."""
    await tallying.make_topics()
    producer = AIOKafkaProducer(bootstrap_servers=tallying.bootstrap, transactional_id=f"{tallying.prefix}rows")
    async with producer, producer.transaction():
        await producer.send_and_wait(tallying.changelog, ROW, key=b"a", partition=0)
    await tallying.give("a", range(10, 20), partition=0)
    await tallying.start()
    await tallying.counted(a=19)


async def test_a_table_is_filled_from_a_changelog_whose_records_were_all_removed(tallying: Tallying) -> None:
    await tallying.make_topics(cleanup="compact,delete")
    worker = await tallying.start()
    await tallying.give("a", range(10), partition=0)
    await tallying.counted(a=9)
    assert worker.terminate() == 0
    shutil.rmtree(tallying.data)
    await delete_records(tallying.bootstrap, tallying.changelog, partition=0, before=10)
    await tallying.give("b", range(10), partition=0)
    await tallying.start()
    await tallying.counted(b=9)


async def test_a_store_that_claims_more_than_its_changelog_has_is_filled_anew(tallying: Tallying) -> None:
    """The broker's data was thrown away and the worker's was not: its rows are of another life."""
    await tallying.make_topics()
    await tallying.give("a", range(30), partition=0)
    worker = await tallying.start()
    await tallying.counted(a=29)
    assert worker.terminate() == 0
    old, tallying.prefix = tallying.data / "tally-0" / "tables", f"{tallying.prefix}again."
    await tallying.make_topics()
    assert (old / "tally" / "0").is_dir()
    await tallying.give("a", range(5), partition=0)
    worker = await tallying.start()
    assert "ahead of its changelog" in worker.output
    await tallying.counted(a=4)
