"""The read model: how fast a backlog goes into SQLite, how long a month of 5,000 classes takes to ask for, and when a change is there."""

import asyncio
import gc
import statistics
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.portal.classes.grids import CELL_LINES
from adapters.read_model.engine import reading_engine
from adapters.read_model.queries import ReadModelQueries
from adapters.read_model.tables import classes, offsets, steps
from adapters.read_model.views import ClassQuery
from streams.domain.state import decode_state
from streams.engine.kafka_clients import producer_options
from streams.engine.producer import ConfirmedProducer
from streams.settings import KafkaSettings
from tests.bench.answers import WrongAnswerError, plain_state, states_hash
from tests.bench.kafka import publish, run_topics
from tests.bench.month_page import month_page_ms
from tests.bench.watch import cpu_seconds
from tests.bench.workload import Backlog, make_backlog
from tests.support.processes import COMMAND, Worker

__all__ = ["Look", "ReadModelRun", "run_read_model", "timed"]

#: A look takes a part of the time that the worker could have.
_PAUSE = 0.05
_LOOK = 0.002
#: Another than that of the backlog: its classes are new.
_LIVE_SEED = 17
#: Reads, and changes one after another, of one run; the median counts.
_READS = 20


@dataclass(frozen=True, kw_only=True)
class ReadModelRun:
    """In `seconds` of commits `events` came in. `month_ms`: to read what a month of `month` classes shows;
    `page_ms`: that page, as an administrator gets it.

    `live_ms`: from the sending of an event, with nothing else to do, until a reader finds it.
    """

    events: int
    seconds: float
    cpu: float
    month: int
    month_ms: float
    page_ms: float
    live_ms: float

    @property
    def rate(self) -> float:
        return self.events / self.seconds

    @property
    def cpu_us(self) -> float:
        return self.cpu / self.events * 1e6


@dataclass(frozen=True, kw_only=True)
class Look:
    """`done`: events committed so far. `cpu`: seconds that the worker has used."""

    at: float
    done: int
    cpu: float


def timed(looks: Sequence[Look]) -> tuple[int, float, float]:
    """Events, seconds and CPU seconds from the first commit seen to the last look; from the look before it, when that one already saw all.

    The first of `looks` saw nothing.
    """
    number = next(number for number, look in enumerate(looks) if look.done)
    first, last = looks[number], looks[-1]
    if first.done == last.done:
        first = looks[number - 1]
    return last.done - first.done, last.at - first.at, last.cpu - first.cpu


async def run_read_model(backlog: Backlog, partitions: int, bootstrap: str, directory: Path, env: dict[str, str]) -> ReadModelRun:
    """One run in topics and a database of its own. Raises WrongAnswerError, TimeoutError."""
    url = f"sqlite+aiosqlite:///{directory / 'read-model.sqlite3'}"
    async with run_topics(bootstrap, f"bench-{directory.name}.", partitions) as run, _reading(url) as engine:
        await publish(bootstrap, run.topics.class_events, [(record.key, record.value) for record in backlog.records])
        env = env | run.env | {"IMPACT_DATABASE_URL": url, "IMPACT_DATA_DIR": str(directory)}
        looks = [Look(at=time.perf_counter(), done=0, cpu=0.0)]
        with Worker("read-model", command=(COMMAND,), env=env, log=directory / "log") as worker:
            await _watch(engine, worker.pid, len(backlog.records), looks)
            await _check(engine, backlog)
            month, month_ms = await _read_month(engine, backlog)
            page_ms = await month_page_ms(backlog, bootstrap, directory, env)
            live_ms = await _change(engine, bootstrap, run.topics.class_events)
    events, seconds, cpu = timed(looks)
    return ReadModelRun(events=events, seconds=seconds, cpu=cpu, month=month, month_ms=month_ms, page_ms=page_ms, live_ms=live_ms)


@asynccontextmanager
async def _reading(url: str) -> AsyncIterator[AsyncEngine]:
    engine = reading_engine(url)
    try:
        yield engine
    finally:
        await engine.dispose()


async def _watch(engine: AsyncEngine, pid: int, events: int, looks: list[Look]) -> None:
    """Looks until all `events` are committed. Raises TimeoutError."""
    async with asyncio.timeout(60 + events / 500):
        while looks[-1].done < events:
            await asyncio.sleep(_PAUSE)
            looks.append(Look(at=time.perf_counter(), cpu=cpu_seconds(pid), done=await _done(engine)))


async def _done(engine: AsyncEngine) -> int:
    try:
        async with engine.connect() as connection:
            return await connection.scalar(select(func.sum(offsets.c.position))) or 0
    except DBAPIError:  # not migrated yet
        return 0


async def _check(engine: AsyncEngine, backlog: Backlog) -> None:
    """Every state as the pure fold has it, and one step for each event."""
    async with engine.connect() as connection:
        rows = (await connection.execute(select(classes.c.class_id, classes.c.state))).all()
        told = await connection.scalar(select(func.count()).select_from(steps))
    found = states_hash((row[0], plain_state(decode_state(row[1]))) for row in rows)
    expected = states_hash((key.decode(), plain_state(state)) for key, state in backlog.expected.states.items())
    if found != expected or told != backlog.expected.folded:
        raise WrongAnswerError(f"read-model: wrong states or timelines ({told} steps of {backlog.expected.folded})")


async def _read_month(engine: AsyncEngine, backlog: Backlog) -> tuple[int, float]:
    """The days in which 5,000 classes begin, or all of them: how many, and the median of the reads in ms."""
    days = sorted(state.details.starts_at.date() for state in backlog.expected.states.values() if state.details is not None)
    query = ClassQuery(first_day=days[0], last_day=days[min(len(days), 5_000) - 1])
    queries, took, found = ReadModelQueries(engine), [], 0
    gc.freeze()  # as the portal does: the bench's own records are none of the query's work
    for _ in range(_READS):
        began = time.perf_counter()
        found = (await queries.overview(query, (query.first_day, query.last_day), CELL_LINES)).count
        took.append((time.perf_counter() - began) * 1000)
    if found < min(len(days), 5_000):
        raise WrongAnswerError(f"read-model: {found} classes in the month")
    return found, statistics.median(took)


async def _change(engine: AsyncEngine, bootstrap: str, topic: str) -> float:
    """Median ms. Raises TimeoutError."""
    took = []
    producer = ConfirmedProducer(producer_options(KafkaSettings(bootstrap_servers=(bootstrap,))))
    await producer.start()
    try:
        for record in make_backlog(events=_READS, classes=_READS, providers=1, seed=_LIVE_SEED).records:
            began = time.perf_counter()
            for future in await producer.send_keyed(topic, [(record.key, record.value)]):
                await future
            async with asyncio.timeout(60):
                while not await _is_there(engine, (record.key or b"").decode()):  # noqa: ASYNC110 - another process makes it true
                    await asyncio.sleep(_LOOK)
            took.append((time.perf_counter() - began) * 1000)
    finally:
        await producer.stop()
    return statistics.median(took)


async def _is_there(engine: AsyncEngine, class_id: str) -> bool:
    async with engine.connect() as connection:
        return bool(await connection.scalar(select(func.count()).where(classes.c.class_id == class_id)))
