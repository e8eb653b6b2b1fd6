"""`read-model` as a process over the real broker, on both databases: the same fold, each record once, whatever kills it."""

import json
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.read_model.engine import reading_engine
from adapters.read_model.queries import ReadModelQueries
from adapters.read_model.tables import classes, connections, entries, metadata, projection, providers, steps
from adapters.read_model.views import ClassQuery, Mark
from streams.database_address import database_address
from streams.settings import Settings
from tests.integration.read_model.topics import Filler, filler, intents_of
from tests.support.histories import SECRET, random_history
from tests.support.oracle import what_must_stand
from tests.support.processes import Worker, run_command
from tests.support.waiting import eventually

pytestmark = pytest.mark.kafka

ALWAYS = ClassQuery(first_day=date(1900, 1, 1), last_day=date(9998, 12, 31))


@pytest.fixture
def env(settings_env: dict[str, str], database_url: str) -> dict[str, str]:
    """Of the processes; the topics are made."""
    env = settings_env | {"IMPACT_DATABASE_URL": database_url}
    applied = run_command("topics", "apply", env=env)
    assert applied.returncode == 0, applied.stderr
    return env


@pytest.fixture
def worker(env: dict[str, str], tmp_path: Path) -> Worker:
    return Worker("read-model", env=env, log=tmp_path / "read-model.log")


@pytest.fixture
async def fill(env: dict[str, str]) -> AsyncIterator[Filler]:
    made = await filler(Settings.from_env(env))
    yield made
    await made.producer.stop()


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = reading_engine(database_address(database_url))
    yield engine
    await engine.dispose()


async def caught_up(engine: AsyncEngine, worker: Worker) -> None:
    """Until everything published by now is in."""
    published = datetime.now(UTC)

    async def look() -> bool:
        assert worker.running, worker.output[-3000:]
        as_of = await _tolerant(engine, select(projection.c.as_of))
        return bool(as_of and as_of[0][0] and as_of[0][0] > published)

    await eventually(look, what="the read model to catch up", timeout=60)


async def _tolerant(engine: AsyncEngine, statement: Any) -> list[Any]:
    """Nothing while the database is not migrated yet."""
    try:
        async with engine.connect() as connection:
            return list((await connection.execute(statement)).all())
    except DBAPIError:
        return []


async def contents(engine: AsyncEngine) -> dict[str, set[tuple[Any, ...]]]:
    """Every row of every table that says something of the world, without the number of the batch that wrote it."""
    async with engine.connect() as connection:
        return {
            table.name: {tuple(row) for row in await connection.execute(select(*(column for column in table.c if column.name != "seq")))}
            for table in (classes, providers, entries, steps, connections)
        }


async def test_it_shows_what_the_oracle_expects(env: dict[str, str], worker: Worker, fill: Filler, engine: AsyncEngine) -> None:
    history = random_history(4711, datetime.now(UTC), classes=60, providers=8)
    intents = intents_of(history.lines)
    await fill.lines(history.lines)
    await fill.intents(intents)
    await fill.outcomes(intents)
    await fill.connected(history.providers)
    with worker:
        await caught_up(engine, worker)
    standing = what_must_stand(history.lines)
    cards = {card.class_id: card for card in await ReadModelQueries(engine).classes(ALWAYS)}
    shown = {
        (mark.provider_id, card.class_id): (card.title, card.location, card.presence.value, *card.instants)
        for card in cards.values()
        for mark in card.marks
        if mark.mark is Mark.SYNCED
    }
    assert shown == {key: (s.title, s.location, s.presence, s.starts_at, s.ends_at) for key, s in standing.items()}
    assert standing, "a history in which nothing stands shows nothing"


async def test_killed_again_and_again_it_ends_with_each_record_once(worker: Worker, fill: Filler, engine: AsyncEngine) -> None:
    history = random_history(815, datetime.now(UTC), classes=400, providers=20)
    intents = intents_of(history.lines)
    await fill.connected(history.providers)
    part, seen = len(history.lines) // 4, 0
    for turn in range(4):
        worker.start()
        last = turn == 3
        await fill.lines(history.lines[turn * part : None if last else (turn + 1) * part])
        await fill.intents(intents[turn::4])
        if last:
            break

        async def more(before: int = seen) -> int:
            found = len(await _tolerant(engine, select(steps.c.ref)))
            return found if found > before else 0

        seen = await eventually(more, what="the read model to go on")
        worker.kill()
    await caught_up(engine, worker)
    assert worker.terminate() == 0
    found = await contents(engine)
    stages = Counter(row[2] for row in found["steps"])
    assert stages == {"event": history.expected["next"] + history.expected["gap"], "intent": len(intents)}
    await _equals_a_rebuild(worker.env, engine, found)


async def _equals_a_rebuild(env: dict[str, str], engine: AsyncEngine, found: dict[str, set[tuple[Any, ...]]]) -> None:
    done = run_command("read-model", "--rebuild", env=env)
    assert done.returncode == 0, done.stderr
    assert "was built anew from" in done.stdout
    rebuilt = await contents(engine)
    for table, rows in found.items():
        assert rebuilt[table] == rows, table
    assert found["classes"]


async def test_what_is_published_twice_changes_nothing(worker: Worker, fill: Filler, engine: AsyncEngine) -> None:
    history = random_history(99, datetime.now(UTC), classes=30, providers=4)
    intents = intents_of(history.lines)
    with worker:
        await fill.lines(history.lines)
        await fill.intents(intents)
        await caught_up(engine, worker)
        once = await contents(engine)
        await fill.lines(history.lines)
        await fill.intents(intents)
        await caught_up(engine, worker)
    assert await contents(engine) == once


async def test_no_student_is_in_any_row_but_the_opaque_state(worker: Worker, fill: Filler, engine: AsyncEngine) -> None:
    history = random_history(7, datetime.now(UTC), classes=40, providers=4)
    await fill.lines(history.lines)
    await fill.intents(intents_of(history.lines))
    with worker:
        await caught_up(engine, worker)
    async with engine.connect() as connection:
        rows = [
            (table.name, column.name, value)
            for table in metadata.sorted_tables
            for row in (await connection.execute(select(table))).all()
            for column, value in zip(table.c, row, strict=True)
        ]
    assert any(SECRET.encode() in value for *_, value in rows if isinstance(value, bytes)), "the search must be able to find some"
    assert [(table, column) for table, column, value in rows if column != "state" and SECRET in str(value)] == []
    assert SECRET not in worker.output


async def test_another_process_stands_by_and_takes_over(
    worker: Worker, env: dict[str, str], tmp_path: Path, fill: Filler, engine: AsyncEngine
) -> None:
    history = random_history(3, datetime.now(UTC), classes=10, providers=2)
    half = len(history.lines) // 2
    with worker:
        await worker.wait_for_output("writing the read model")
        with Worker("read-model", env=env, log=tmp_path / "second.log") as second:
            await worker.wait_for_output("stands by")
            await fill.lines(history.lines[:half])
            await caught_up(engine, second)
        await worker.wait_for_output("(?s)stands by.*writing the read model")
        await fill.lines(history.lines[half:])
        await caught_up(engine, worker)
    found = await contents(engine)
    assert len([row for row in found["steps"] if row[2] == "event"]) == history.expected["next"] + history.expected["gap"]


async def test_why_tells_the_timeline(env: dict[str, str], worker: Worker, fill: Filler, engine: AsyncEngine) -> None:
    history = random_history(11, datetime.now(UTC), classes=5, providers=2, bad_rate=0)
    intents = intents_of(history.lines)
    await fill.lines(history.lines)
    await fill.intents(intents)
    await fill.outcomes(intents)
    with worker:
        await caught_up(engine, worker)
    intent = intents[0]
    told = run_command("why", intent.class_id, env=env)
    assert told.returncode == 0, told.stderr
    assert "calendar" in told.stdout
    document = json.loads(run_command("why", intent.class_id, "--provider", intent.provider_id, "--json", env=env).stdout)
    assert {step["stage"] for step in document["steps"]} == {"event", "intent", "outcome"}
    assert {step.get("provider_id") for step in document["steps"]} <= {None, intent.provider_id}
    for args in (("no-such-class",), (intent.class_id, "--provider", "no-such-provider")):
        refused = run_command("why", *args, env=env)
        assert (refused.returncode, refused.stdout) == (1, "")
        assert args[-1] in refused.stderr
