"""Latency at a steady pace: from an event's produce call until its intent is read back, and until a calendar is called."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from schemas.codec import decode_intent
from schemas.connections import Service
from schemas.intents import Intent
from tests.bench.answers import check_standing
from tests.bench.kafka import RunTopics, publish, run_topics, wait_for_records
from tests.bench.stub.client import StubProcess, granted_rows, running_stub
from tests.bench.stub.marks import Mark, mark_of
from tests.bench.stub.services import Report
from tests.bench.workload import Backlog, Record
from tests.support.processes import COMMAND, Worker

__all__ = ["LatencyRun", "LatencySizes", "intent_latency", "loop_latency", "provider_latency"]


@dataclass(frozen=True, kw_only=True)
class LatencySizes:
    """All events go in `per_second`; the first `warm_up` of the backlog are not timed: a young broker compiles itself meanwhile."""

    warm_up: int
    per_second: int
    partitions: int
    providers: int


@dataclass(frozen=True, kw_only=True)
class LatencyRun:
    """Milliseconds, sorted. `unseen`: intents without a call of their own (deletes carry no mark; a burst collapses)."""

    samples: list[float]
    unseen: int = 0

    def percentile(self, percent: float) -> float:
        return self.samples[min(int(len(self.samples) * percent / 100), len(self.samples) - 1)]


async def intent_latency(backlog: Backlog, sizes: LatencySizes, bootstrap: str, directory: Path, env: dict[str, str]) -> LatencyRun:
    """With the fold worker alone. Raises WrongAnswerError, TimeoutError."""
    return await _intent_latency((COMMAND, "fold"), backlog, sizes, bootstrap, directory, env)


async def loop_latency(backlog: Backlog, sizes: LatencySizes, bootstrap: str, directory: Path, env: dict[str, str]) -> LatencyRun:
    """With the plain loop in the fold worker's place: what this machine, its broker and this reader cost anyone."""
    command = (sys.executable, "-m", "tests.bench.engines.plain_loop", str(directory / "states"))
    return await _intent_latency(command, backlog, sizes, bootstrap, directory, env)


async def _intent_latency(
    command: Sequence[str], backlog: Backlog, sizes: LatencySizes, bootstrap: str, directory: Path, env: dict[str, str]
) -> LatencyRun:
    async with run_topics(bootstrap, f"bench-{directory.name}.", sizes.partitions) as run:
        engine_env = env | run.env | {"IMPACT_DATA_DIR": str(directory / "data")}
        with Worker(*command[1:], command=command[:1], env=engine_env, log=directory / "engine.log"):
            warm, timed = _split(backlog, sizes.warm_up)
            await _warm_up(run, backlog, warm, sizes.per_second, run.topics.intents)
            async with _reader(run) as read_back:
                sent = await _pace(run, timed, sizes.per_second)
                wanted = {mark for mark in _marks(backlog) if mark in sent}
                await _until_read(read_back, wanted)
            return _latency(sent, read_back, wanted)


async def provider_latency(backlog: Backlog, sizes: LatencySizes, bootstrap: str, directory: Path, env: dict[str, str]) -> LatencyRun:
    """With fold and execute, and both calendar services answering at once. Raises WrongAnswerError, TimeoutError."""
    async with AsyncExitStack() as stack:
        run = await stack.enter_async_context(run_topics(bootstrap, f"bench-{directory.name}.", sizes.partitions))
        stub = await stack.enter_async_context(running_stub(0, directory))
        await _connect(run, sizes.providers)
        worker_env = env | run.env | stub.env | {"IMPACT_DATA_DIR": str(directory / "data")}
        for name in ("fold", "execute"):
            stack.enter_context(Worker(name, env=worker_env, log=directory / f"{name}.log"))
        await wait_for_records(bootstrap, run.topics.connection_status, sizes.providers, timeout=60 + sizes.providers / 20)
        warm, timed = _split(backlog, sizes.warm_up)
        await _warm_up(run, backlog, warm, sizes.per_second, run.topics.outcomes)
        sent = await _pace(run, timed, sizes.per_second)
        await wait_for_records(bootstrap, run.topics.outcomes, len(backlog.expected.intents), timeout=60)
        return await _called(stub, backlog, sent)


async def _called(stub: StubProcess, backlog: Backlog, sent: Mapping[Mark, float]) -> LatencyRun:
    report = await stub.report()
    check_standing(_standing(report), _intents(backlog))
    called: dict[Mark, float] = {}
    for call in report.calls:
        if call.method != "DELETE":
            called.setdefault(mark_of(bytes(call.body)), call.at)
    return _latency(sent, called, {mark for mark in _marks(backlog) if mark in sent})


def _standing(report: Report) -> list[tuple[str, str, int]]:
    """Provider, class and revision of each event that stands after all calls."""
    standing: dict[tuple[str, str], tuple[str, int]] = {}
    for call in report.calls:
        if call.method == "DELETE":
            standing.pop((call.mailbox, call.remote_id), None)
        else:
            standing[(call.mailbox, call.remote_id)] = mark_of(bytes(call.body))
    return [(mailbox, class_id, revision) for (mailbox, _), (class_id, revision) in standing.items()]


def _split(backlog: Backlog, warm_up: int) -> tuple[list[Record], list[Record]]:
    return backlog.records[:warm_up], backlog.records[warm_up:]


async def _connect(run: RunTopics, providers: int) -> None:
    """Half of the providers have a Google calendar, half a Microsoft calendar."""
    names = [f"provider-{number:05d}" for number in range(providers)]
    rows = granted_rows(names[::2], Service.GOOGLE) + granted_rows(names[1::2], Service.MICROSOFT)
    await publish(run.bootstrap, run.topics.connections, rows)


async def _warm_up(run: RunTopics, backlog: Backlog, warm: list[Record], per_second: int, until: str) -> None:
    marks = set(await _pace(run, warm, per_second))
    intents = sum((intent.class_id, intent.revision) in marks for intent in _intents(backlog))
    await wait_for_records(run.bootstrap, until, intents, timeout=120)


async def _pace(run: RunTopics, records: list[Record], per_second: int) -> dict[Mark, float]:
    """When each event was produced. A late send is not made good by a burst of fewer than it missed: the clock decides."""
    producer = AIOKafkaProducer(bootstrap_servers=run.bootstrap, acks="all", enable_idempotence=True)
    await producer.start()
    sent: dict[Mark, float] = {}
    try:
        begun, confirmations = time.monotonic() + 0.1, []
        for number, record in enumerate(records):
            await asyncio.sleep(max(begun + number / per_second - time.monotonic(), 0))
            sent[_mark(record)] = time.monotonic()
            confirmations.append(await producer.send(run.topics.class_events, record.value, key=record.key))
        await asyncio.gather(*confirmations)
    finally:
        await producer.stop()
    return sent


@asynccontextmanager
async def _reader(run: RunTopics) -> AsyncIterator[dict[Mark, float]]:
    """When each intent that is published from now on was read back; filled in the background."""
    consumer = AIOKafkaConsumer(run.topics.intents, bootstrap_servers=run.bootstrap, auto_offset_reset="latest", enable_auto_commit=False)
    await consumer.start()
    for partition in range(run.partitions):
        await consumer.position(TopicPartition(run.topics.intents, partition))
    read_back: dict[Mark, float] = {}

    async def read() -> None:
        async for record in consumer:
            intent = decode_intent(record.value)
            read_back.setdefault((intent.class_id, intent.revision), time.monotonic())

    task = asyncio.create_task(read())
    try:
        yield read_back
    finally:
        task.cancel()
        await asyncio.wait([task])
        await consumer.stop()


async def _until_read(read_back: Mapping[Mark, float], wanted: set[Mark]) -> None:
    async with asyncio.timeout(60):
        while not wanted <= read_back.keys():  # noqa: ASYNC110 - the reader makes it true
            await asyncio.sleep(0.05)


def _latency(sent: Mapping[Mark, float], seen: Mapping[Mark, float], wanted: set[Mark]) -> LatencyRun:
    samples = sorted((seen[mark] - sent[mark]) * 1000 for mark in wanted if mark in seen)
    return LatencyRun(samples=samples, unseen=len(wanted) - len(samples))


def _intents(backlog: Backlog) -> list[Intent]:
    return [decode_intent(value) for _, value in backlog.expected.intents]


def _marks(backlog: Backlog) -> set[Mark]:
    return {(intent.class_id, intent.revision) for intent in _intents(backlog)}


class _Data(msgspec.Struct):
    class_id: str
    version: int


class _Event(msgspec.Struct):
    data: _Data


def _mark(record: Record) -> Mark:
    data = msgspec.json.decode(record.value or b"", type=_Event).data
    return data.class_id, data.version
