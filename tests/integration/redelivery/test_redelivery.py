"""Redelivery on the real broker: due retries go back byte for byte, the others wait, nothing is lost over stops, kills and rebalances."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from infra.kafka.broker import LocalKafka
from schemas import headers as names
from streams.engine.kafka_clients import admin_options
from streams.engine.redelivery_loop import Redelivery
from streams.engine.redelivery_plan import Routes
from streams.engine.redelivery_progress import RedeliveryProgress
from streams.metrics import Metrics, make_metrics
from streams.redelivery import _clients
from streams.settings import Settings
from tests.integration.redelivery.conftest import Retries, retries_on, unix_ms
from tests.support.processes import Worker
from tests.support.waiting import eventually

pytestmark = pytest.mark.kafka

HOUR_MS = 3_600_000
SCRIPT = "import os; from streams.settings import Settings; from streams.redelivery import run; run(Settings.from_env(os.environ))"


def count(metrics: Metrics, name: str, **labels: str) -> float:
    return metrics.registry.get_sample_value(name, labels) or 0.0


@contextlib.asynccontextmanager
async def redelivering(retries: Retries, metrics: Metrics | None = None) -> AsyncIterator[Redelivery]:
    metrics = metrics or make_metrics()
    progress = RedeliveryProgress(metrics.redelivery, metrics.lag)
    redelivery = Redelivery(clients=_clients(retries.settings), routes=Routes(retries.topics), progress=progress)
    task = asyncio.create_task(redelivery.run())
    try:
        yield redelivery
        assert not task.done(), "redelivery ended by itself"
    finally:
        redelivery.stop()
        await task


def worker(env: dict[str, str], log: Path) -> Worker:
    return Worker(env=env, log=log, command=(sys.executable, "-c", SCRIPT))


async def test_a_due_retry_goes_back_with_its_key_value_and_headers_as_they_were(retries: Retries) -> None:
    headers = retries.headers(due_in_ms=-1000)
    await retries.put(retries.fast, b"provider-1", b'{"odd":  "bytes\xff"}', headers)
    metrics = make_metrics()
    async with redelivering(retries, metrics):
        (record,) = await retries.wait_for(retries.topics.intents, [b'{"odd":  "bytes\xff"}'])
    assert (record.key, record.value, tuple(record.headers)) == (b"provider-1", b'{"odd":  "bytes\xff"}', headers)
    assert count(metrics, "impact_redelivery_redelivered_total", tier="1s") == 1


async def test_a_retry_of_the_bulk_lane_goes_back_to_the_bulk_lane_and_a_stranger_to_the_live_one(retries: Retries) -> None:
    await retries.put(retries.fast, b"p", b"bulk", retries.headers(-1, source=retries.topics.intents_bulk))
    await retries.put(retries.slow, b"p", b"stranger", retries.headers(-1, source="somebody-elses-topic"))
    async with redelivering(retries):
        await retries.wait_for(retries.topics.intents_bulk, [b"bulk"])
        await retries.wait_for(retries.topics.intents, [b"stranger"])
    assert [record.value for record in await retries.read(retries.topics.intents)] == [b"stranger"]


async def test_a_retry_waits_until_it_is_due_and_holds_up_only_its_own_partition(retries: Retries) -> None:
    due_at = unix_ms() + 2500
    await retries.put(retries.fast, b"a", b"soon", ((names.DUE, str(due_at).encode()),))
    await retries.put(retries.fast, b"a", b"behind it", ((names.DUE, str(due_at).encode()),))
    await retries.put(retries.slow, b"a", b"in an hour", retries.headers(HOUR_MS))
    await retries.put(retries.slow, b"a", b"held up", retries.headers(-1))
    async with redelivering(retries):
        await retries.wait_for(retries.topics.intents, [b"soon", b"behind it"])
    moved = await retries.read(retries.topics.intents)
    assert [record.value for record in moved] == [b"soon", b"behind it"]
    assert all(record.timestamp >= due_at for record in moved)


async def test_what_is_not_due_is_neither_moved_nor_committed(retries: Retries) -> None:
    await retries.put(retries.fast, b"a", b"due", retries.headers(-1))
    await retries.put(retries.fast, b"a", b"not due", retries.headers(HOUR_MS))
    async with redelivering(retries):
        await retries.wait_for(retries.topics.intents, [b"due"])
    assert [record.value for record in await retries.read(retries.topics.intents)] == [b"due"]
    committed = await retries.committed()
    assert [offset for tp, offset in committed.items() if tp.topic == retries.fast and offset > 0] == [1]


@pytest.mark.parametrize("due", [None, b"", b"soon", b"-5", "\u0662".encode(), b"9" * 15, b"1e9", b"\xff"])
async def test_a_retry_with_no_readable_due_time_goes_back_at_once_and_is_counted(retries: Retries, due: bytes | None) -> None:
    headers = () if due is None else ((names.DUE, due),)
    await retries.put(retries.fast, b"a", b"undated", headers)
    metrics = make_metrics()
    async with redelivering(retries, metrics):
        (record,) = await retries.wait_for(retries.topics.intents, [b"undated"])
        await eventually(lambda: _true(count(metrics, "impact_redelivery_without_due_time_total", tier="1s") == 1), what="the count")
    assert tuple(record.headers) == headers


async def test_a_retry_larger_than_its_lane_takes_is_dead_lettered_and_those_behind_it_go_on(retries: Retries) -> None:
    large = bytes(1_048_588)
    await retries.put(retries.fast, b"a", large, retries.headers(-1))
    await retries.put(retries.fast, b"a", b"behind it", retries.headers(-1))
    async with redelivering(retries):
        await retries.wait_for(retries.topics.intents, [b"behind it"])
        (letter,) = await retries.wait_for(retries.topics.intents_dlq, [large])
    told = dict(letter.headers)
    assert told[names.DEAD_LETTER_CODE] == b"too_large"
    assert told[names.ATTEMPT] == b"2"


async def test_retries_of_a_tier_no_longer_in_force_are_still_moved_back(retries: Retries) -> None:
    old = f"{retries.topics.intents}-retry-7m"
    admin = AIOKafkaAdminClient(**admin_options(retries.settings.kafka))
    await admin.start()
    await admin.create_topics([NewTopic(old, 1, 1)])
    await admin.close()
    await retries.put(old, b"a", b"owed", retries.headers(-1))
    async with redelivering(retries):
        await retries.wait_for(retries.topics.intents, [b"owed"])


async def test_two_processes_share_the_partitions_and_a_rebalance_loses_nothing(retries: Retries) -> None:
    values = [b"%d" % number for number in range(40)]
    for value in values:
        await retries.put(retries.fast, b"key-" + value, value, retries.headers(1500 + int(value) * 50))
    async with redelivering(retries):
        await retries.joined()
        async with redelivering(retries):
            await retries.joined(2)
            await retries.wait_for(retries.topics.intents, values[:20])
        await retries.wait_for(retries.topics.intents, values)
    held = await retries.read(retries.topics.intents)
    for record in held:
        assert record.timestamp >= int(dict(record.headers)[names.DUE])


async def test_after_a_restart_it_goes_on_where_it_was(retries: Retries) -> None:
    await retries.put(retries.fast, b"a", b"first", retries.headers(-1))
    async with redelivering(retries):
        await retries.wait_for(retries.topics.intents, [b"first"])
    await retries.put(retries.fast, b"a", b"second", retries.headers(-1))
    async with redelivering(retries):
        await retries.wait_for(retries.topics.intents, [b"second"])
    assert [record.value for record in await retries.read(retries.topics.intents)] == [b"first", b"second"]


async def test_a_missing_topic_is_waited_for_and_named(retries: Retries, caplog: pytest.LogCaptureFixture) -> None:
    admin = AIOKafkaAdminClient(**admin_options(retries.settings.kafka))
    await admin.start()
    await admin.delete_topics([retries.slow])

    async def gone() -> bool:
        return retries.slow not in await admin.list_topics()

    await eventually(gone, what="the topic's end")
    async with redelivering(retries):
        await eventually(lambda: _true(f"{retries.slow}; `impact-calendar topics apply`" in caplog.text), what="the warning")
        await admin.create_topics([NewTopic(retries.slow, 4, 1)])
        await retries.put(retries.slow, b"a", b"after all", retries.headers(-1))
        await retries.wait_for(retries.topics.intents, [b"after all"])
    await admin.close()


async def test_kills_in_the_middle_lose_nothing(retries: Retries, settings_env: dict[str, str], tmp_path: Path) -> None:
    values = [b"%05d" % number for number in range(6000)]
    sent = {value: retries.headers(due_in_ms=3 * int(value)) for value in values}
    sends = [await retries.producer.send(retries.fast, value, key=value, headers=list(sent[value])) for value in values]
    await asyncio.gather(*sends)
    process = worker(settings_env | {"IMPACT_SESSION_TIMEOUT": "6s"}, tmp_path / "redeliver.log")
    for killed_after in (0, 1500, 3000):
        process.start()
        await eventually(partial(_moved_when_let_on, process, retries, killed_after), what=f"more than {killed_after} moved")
        process.kill()
        assert {record.value for record in await retries.read(retries.topics.intents)} < set(values), "killed too late to show anything"
    with process:
        records = await retries.wait_for(retries.topics.intents, values)
    assert {record.value for record in records} == set(values)
    assert all(tuple(record.headers) == sent[record.value] and record.key == record.value for record in records)


async def _moved_when_let_on(process: Worker, retries: Retries, count: int) -> bool:
    """Whether more than `count` are moved by now, after the process was let on for a moment.

    It stands still while it is looked at, so that it is killed in the middle on any machine.
    """
    process.send_signal(signal.SIGCONT)
    await asyncio.sleep(0.1)
    process.send_signal(signal.SIGSTOP)
    return len(await retries.read(retries.topics.intents)) > count


async def test_it_stops_cleanly_while_everything_waits(retries: Retries, settings_env: dict[str, str], tmp_path: Path) -> None:
    await retries.put(retries.fast, b"a", b"later", retries.headers(HOUR_MS))
    process = worker(settings_env, tmp_path / "redeliver.log").start()
    await retries.joined()
    assert process.terminate() == 0
    assert "Traceback" not in process.output
    assert await retries.read(retries.topics.intents) == []


async def test_it_outlives_brokers_that_go_away_and_come_back(tmp_path: Path) -> None:
    with LocalKafka(data_dir=tmp_path / "broker") as broker:
        env = {
            "IMPACT_KAFKA_BOOTSTRAP_SERVERS": broker.bootstrap_servers,
            "IMPACT_TOPIC_PARTITIONS": "2",
            "IMPACT_RETRY_TIERS": "1s,3s",
            "IMPACT_SESSION_TIMEOUT": "6s",
        }
        async with retries_on(Settings.from_env(env)) as retries, redelivering(retries):
            await retries.put(retries.fast, b"a", b"before", retries.headers(-1))
            await retries.wait_for(retries.topics.intents, [b"before"])
            headers = retries.headers(1000)
            await retries.put(retries.fast, b"a", b"due meanwhile", headers)
            await asyncio.to_thread(broker.kill)
            while unix_ms() <= int(dict(headers)[names.DUE]):  # noqa: ASYNC110 - the clock makes it true
                await asyncio.sleep(0.05)
            await asyncio.to_thread(broker.start)
            await retries.put(retries.fast, b"a", b"after", retries.headers(-1))
            await retries.wait_for(retries.topics.intents, [b"before", b"due meanwhile", b"after"])


async def _true(value: bool) -> bool:
    return value
