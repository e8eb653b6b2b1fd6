"""Recovery while yet another rebalance begins: it neither writes to stores that may be closed nor lets input flow."""

import asyncio
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from faust.tables.recovery import RebalanceAgain
from faust.types import TP

from streams.engine.held import HeldPartition
from streams.engine.offsets import OffsetTracker
from streams.engine.recovery import SafeRecovery
from streams.engine.store import MemoryPartition

CHANGELOG = TopicPartition("changelog", 0)
INPUT = TP("events", 0)


class Store(MemoryPartition):
    """Remembers what it is filled up to, as RocksDB does."""

    def __init__(self, filled: int | None = None) -> None:
        super().__init__()
        self.filled = filled
        self.cleared = False

    def write(self, rows: Mapping[bytes, bytes | None], offset: int | None) -> None:
        super().write(rows, offset)
        self.filled = offset

    def offset(self) -> int | None:
        return self.filled

    def clear(self) -> None:
        super().clear()
        self.filled, self.cleared = None, True


class Reader:
    """A changelog of `end` records from `start` on, handed over in runs of three; the last of them cannot be read."""

    def __init__(self, start: int, end: int) -> None:
        self.start, self.end, self.at = start, end, 0
        self.paused: list[TopicPartition] = []

    def assign(self, partitions: list[TopicPartition]) -> None:
        assert partitions == [CHANGELOG]

    async def end_offsets(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, self.end)

    async def beginning_offsets(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, self.start)

    def seek(self, _tp: TopicPartition, offset: int) -> None:
        self.at = offset

    def pause(self, *tps: TopicPartition) -> None:
        self.paused += tps

    async def position(self, _tp: TopicPartition) -> int:
        return self.at

    async def getmany(self, *_tps: TopicPartition, timeout_ms: int) -> dict[TopicPartition, list[Any]]:
        offsets = range(self.at, min(self.at + 3, self.end))
        self.at = offsets.stop
        found = [SimpleNamespace(key=b"%d" % offset, value=b"row", offset=offset) for offset in offsets if offset != self.end - 1]
        return {CHANGELOG: found} if found else {}


class App:
    """What recovery asks of Faust, in the order in which it asks."""

    def __init__(self) -> None:
        self.rebalancing_count = 1
        self.offsets = OffsetTracker()
        self.offsets.suspend()
        self.did: list[str] = []
        self.consumer = SimpleNamespace(
            assignment=lambda: {INPUT, TP("changelog", 0)},
            perform_seek=self.step("seek"),
            resume_flow=lambda: self.did.append("consumer flows"),
            resume_partitions=lambda tps: self.did.append(f"resume {sorted(tp.topic for tp in tps)}"),
        )
        self.flow_control = SimpleNamespace(resume=lambda: self.did.append("queues flow"))
        self.on_rebalance_complete = SimpleNamespace(send=self.step("signal"))
        self._fetcher = SimpleNamespace(maybe_start=self.step("fetch"))
        self.tables_ready = self.step("tables ready")
        self.conf = SimpleNamespace(broker_request_timeout=60)
        #: After which step another rebalance begins.
        self.again_after: str | None = None

    def step(self, name: str) -> Any:
        async def run() -> None:
            await asyncio.sleep(0)
            self.did.append(name)
            if name == self.again_after:
                self.rebalancing_count += 1

        return run

    def on_rebalance_end(self) -> None:
        self.did.append("end")


@pytest.fixture
def app() -> App:
    return App()


def recovery(app: App, store: Store | None = None) -> Any:
    made = object.__new__(SafeRecovery)
    made.app, made._rebalance, made.completed = app, 1, asyncio.Event()
    held = HeldPartition(store) if store is not None else None
    table = SimpleNamespace(held=lambda number: held)
    made.tables = SimpleNamespace(
        _changelogs={"changelog": table}, changelog_topics={"changelog"}, on_actives_ready=lambda: None, on_standbys_ready=lambda: None
    )
    made._set_recovery_ended = lambda: None
    made.log = SimpleNamespace(info=lambda *_args: None)
    return made


async def test_input_flows_only_after_the_seek_and_when_the_tables_are_ready(app: App) -> None:
    await recovery(app)._let_flow()
    assert app.did == ["signal", "seek", "tables ready", "queues flow", "consumer flows", "resume ['events']", "fetch", "end"]
    assert app.offsets.accepts(app.offsets.epoch)


@pytest.mark.parametrize("step", ["signal", "seek", "tables ready"])
async def test_no_input_flows_once_another_rebalance_began(app: App, step: str) -> None:
    app.again_after = step
    with pytest.raises(RebalanceAgain):
        await recovery(app)._let_flow()
    assert not {"queues flow", "consumer flows", "fetch", "end"} & set(app.did)
    assert not app.offsets.accepts(app.offsets.epoch)


async def test_a_store_is_filled_to_the_end_even_where_the_last_record_cannot_be_read(app: App) -> None:
    store, reader = Store(), Reader(2, 9)
    assert await recovery(app, store)._read(reader, [CHANGELOG]) == 6
    assert [key for key, _ in store.scan(b"")] == [b"2", b"3", b"4", b"5", b"6", b"7"]


async def test_only_the_tail_is_read_into_a_store_that_has_the_rest(app: App) -> None:
    store, reader = Store(filled=5), Reader(0, 9)
    assert await recovery(app, store)._read(reader, [CHANGELOG]) == 2
    assert store.filled == 7


async def test_a_store_that_is_filled_reads_nothing(app: App) -> None:
    reader = Reader(0, 9)
    assert await recovery(app, Store(filled=8))._read(reader, [CHANGELOG]) == 0
    assert reader.paused == [CHANGELOG]


@pytest.mark.parametrize("end", [0, 5, 8])
async def test_a_store_that_claims_more_than_the_changelog_has_is_emptied(app: App, end: int) -> None:
    store = Store(filled=8)
    await recovery(app, store)._read(Reader(0, end), [CHANGELOG])
    assert store.cleared
    assert len(list(store.scan(b""))) == max(end - 1, 0)


async def test_a_store_that_may_be_closed_by_another_rebalance_is_not_written(app: App) -> None:
    store, reader = Store(), Reader(0, 9)
    fetch = reader.getmany

    async def getmany(*tps: TopicPartition, timeout_ms: int) -> dict[TopicPartition, list[Any]]:
        found = await fetch(*tps, timeout_ms=timeout_ms)
        app.rebalancing_count += reader.at > 3
        return found

    reader.getmany = getmany  # type: ignore[method-assign]
    with pytest.raises(RebalanceAgain):
        await recovery(app, store)._read(reader, [CHANGELOG])
    assert store.filled == 2
