"""The app's own steps around a rebalance and at its end, without a broker."""

import asyncio
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from streams.engine.app import AppConfig, EngineApp, make_app
from streams.engine.producer import ConfirmedProducer


@pytest.fixture
def app(tmp_path: Path) -> EngineApp:
    config = AppConfig(
        app_id="app",
        brokers=("localhost:1",),
        client={"sasl_plain_password": "SECRET"},
        partitions=1,
        store="memory",
        directory=tmp_path,
        chunk=10,
        buffered_chunks=2,
        session_timeout=timedelta(seconds=6),
    )
    assert "SECRET" not in repr(config)
    return make_app(config, ConfirmedProducer(config.client))


class Consumer:
    """Faust's way to commit: what comes while a commit is under way waits for that one and does nothing itself."""

    def __init__(self, app: EngineApp) -> None:
        self.app = app
        self.committed: list[dict[Any, int]] = []
        self.under_way: asyncio.Future[None] | None = None

    async def maybe_wait_for_commit_to_finish(self) -> bool:
        if self.under_way is None:
            return False
        await self.under_way
        return True

    async def commit(self) -> bool:
        if await self.maybe_wait_for_commit_to_finish():
            return False
        self.committed.append(dict(self.app.offsets.positions()))
        return True


class Worklist:
    """Finishes its one ticket when it is drained."""

    def __init__(self, app: EngineApp) -> None:
        self.app = app
        self.ticket = app.offsets.open(("events", 0), 6)
        self.ready: list[list[int]] = []

    async def drain(self) -> None:
        assert not self.app.offsets.accepts(self.app.offsets.epoch)
        self.app.offsets.finish(self.ticket)

    async def tables_ready(self, partitions: list[int]) -> None:
        self.ready.append(partitions)


async def test_what_is_finished_while_draining_is_committed_before_the_partition_moves(app: EngineApp) -> None:
    app.worklist, consumer = Worklist(app), Consumer(app)
    epoch = app.offsets.epoch
    await app._consumer_wait_empty(consumer, None)
    assert consumer.committed == [{("events", 0): 7}]
    assert (app.offsets.positions(), app.offsets.accepts(epoch)) == ({}, False)


async def test_a_commit_that_was_under_way_does_not_stand_for_the_last_one(app: EngineApp) -> None:
    app.worklist, consumer = Worklist(app), Consumer(app)
    consumer.under_way = asyncio.get_running_loop().create_future()
    waiting = asyncio.create_task(app._consumer_wait_empty(consumer, None))
    await asyncio.sleep(0)
    first, consumer.under_way = consumer.under_way, None
    first.set_result(None)
    await waiting
    assert consumer.committed == [{("events", 0): 7}]


async def test_tables_ready_begins_anew_and_does_not_let_input_flow(app: EngineApp) -> None:
    app.worklist = worklist = Worklist(app)
    app.offsets.suspend()
    epoch = app.offsets.epoch
    await app.tables_ready()
    assert worklist.ready == [[]]
    assert app.offsets.epoch != epoch
    assert not app.offsets.accepts(app.offsets.epoch)


@pytest.mark.parametrize("fails", ["agent", "app"])
async def test_after_a_crash_nothing_is_begun_whatever_resumes(app: EngineApp, fails: str) -> None:
    error = RuntimeError("broken")
    await (app._on_agent_error(SimpleNamespace(), error) if fails == "agent" else app.crash(error))
    app.offsets.resume()
    assert not app.offsets.accepts(app.offsets.epoch)
    assert app.crash_reason is error
    assert app.should_stop


def test_the_group_waits_for_a_worker_as_long_as_it_is_told(tmp_path: Path) -> None:
    config = AppConfig(
        app_id="app",
        brokers=("localhost:1",),
        client={},
        partitions=1,
        store="memory",
        directory=tmp_path,
        chunk=10,
        buffered_chunks=2,
        session_timeout=timedelta(seconds=6),
        rebalance_timeout=timedelta(seconds=250),
    )
    conf = make_app(config, ConfirmedProducer({})).conf
    assert (conf.broker_session_timeout, conf.broker_rebalance_timeout) == (6.0, 250.0)
    assert conf.broker_request_timeout > conf.broker_rebalance_timeout
