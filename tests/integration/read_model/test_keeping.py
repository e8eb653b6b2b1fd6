"""What the writer keeps and what it forgets, how the schema comes about, and that two writers cannot both write."""

import asyncio
import sqlite3
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from prometheus_client import CollectorRegistry
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.read_model.engine import writing_engine
from adapters.read_model.migrate import migrate
from adapters.read_model.store import LostWriterError, ReadModelStore
from adapters.read_model.tables import classes, entries, metadata, providers, steps
from schemas.outcomes import OutcomeKind
from streams.agents.projection.session import Policy, Session
from streams.database_address import database_address
from streams.metrics import ProjectionMetrics
from tests.integration.read_model.folding import NOW, Writer, outcome
from tests.support.class_events import CLASS_ID, added, scheduled

ENDED: dict[str, Any] = {"starts_at": datetime(2027, 1, 10, 9), "ends_at": datetime(2027, 1, 10, 10)}


class Quiet:
    """A source without records, and nobody who watches."""

    async def poll(self) -> dict[Any, Sequence[Any]]:
        return {}

    async def read_upto(self) -> datetime:
        return NOW

    def lags(self) -> dict[Any, int]:
        return {}

    def progressed(self, left: Any) -> None:
        """Nothing to do."""


async def idle_until_forgotten(writer: Writer, today: datetime, days: int = 30) -> None:
    """Runs a session for the steps that an idle writer takes."""
    quiet: Any = Quiet()
    session = Session(
        store=writer.store, source=quiet, folder=writer.folder, metrics=ProjectionMetrics(CollectorRegistry()),
        policy=Policy(forget_after_days=days, forget_every=0.0, forget_step=2), watcher=quiet, now=lambda: today,
    )  # fmt: skip
    for _ in range(6):
        await session._step()


async def rows(engine: AsyncEngine) -> dict[str, int]:
    async with engine.connect() as connection:
        return {
            table.name: await connection.scalar(select(func.count()).select_from(table)) or 0
            for table in (classes, entries, providers, steps)
        }


@pytest.fixture
async def writer(writing: AsyncEngine) -> Writer:
    store = ReadModelStore(writing, "test")
    await store.take_over()
    return Writer(store)


async def test_a_class_is_forgotten_with_all_that_was_known_of_it(writer: Writer, writing: AsyncEngine) -> None:
    for number in range(5):
        await writer.events(*(msgspec.structs.replace(event, class_id=f"old-{number}") for event in (scheduled(**ENDED), added(2))))
    await writer.events(scheduled(), added(2))
    await idle_until_forgotten(writer, datetime(2027, 2, 9))
    assert (await rows(writing))["classes"] == 6, "the days are not over yet"
    await idle_until_forgotten(writer, datetime(2027, 2, 10))
    assert await rows(writing) == {"classes": 1, "entries": 1, "class_providers": 1, "steps": 2}


async def test_an_event_of_a_forgotten_class_begins_anew(writer: Writer, writing: AsyncEngine) -> None:
    await writer.events(scheduled(**ENDED), added(2))
    await idle_until_forgotten(writer, datetime(2027, 3, 1))
    await writer.events(added(3))
    async with writing.connect() as connection:
        version, title, students = (await connection.execute(select(classes.c.version, classes.c.title, classes.c.student_count))).one()
    assert (version, title, students) == (3, None, 1)


async def test_outcomes_whose_class_never_comes_are_swept_away(writer: Writer, writing: AsyncEngine) -> None:
    await writer.events(scheduled())
    await writer.outcomes(outcome(OutcomeKind.CREATED, 2, class_id="gone"), outcome(OutcomeKind.CREATED, 2))
    await idle_until_forgotten(writer, NOW)
    async with writing.connect() as connection:
        assert set(await connection.scalars(select(entries.c.class_id))) == {CLASS_ID}
        assert set(await connection.scalars(select(steps.c.class_id))) == {CLASS_ID}


async def test_of_two_writers_at_once_one_writes(writer: Writer, writing: AsyncEngine) -> None:
    await writer.events(scheduled())
    other = ReadModelStore(writing, "other")
    await other.take_over()
    other._seq = writer.store._seq = other.seq  # as if both had read the same number
    results = await asyncio.gather(writer.events(added(2)), Writer(other).events(added(2)), return_exceptions=True)
    assert [type(result) for result in results if result is not None] == [LostWriterError]
    async with writing.connect() as connection:
        assert await connection.scalar(select(func.count()).select_from(steps)) == 2


async def test_migrations_make_exactly_the_tables_and_may_run_at_the_same_time(database_url: str, writing: AsyncEngine) -> None:
    url = database_address(database_url)
    await asyncio.gather(*(migrate(url) for _ in range(3)))
    async with writing.connect() as connection:
        differences = await connection.run_sync(lambda sync: compare_metadata(MigrationContext.configure(sync), metadata))
    assert differences == []


async def test_a_new_sqlite_file_that_another_process_writes_to_is_waited_for(tmp_path: Path) -> None:
    """SQLite waits for no lock where it changes the journal mode."""
    file = tmp_path / "read-model.sqlite3"
    with sqlite3.connect(file, isolation_level=None, check_same_thread=False) as other:
        other.execute("BEGIN IMMEDIATE")
        asyncio.get_running_loop().run_in_executor(None, lambda: (time.sleep(0.3), other.execute("ROLLBACK")))
        engine = writing_engine(f"sqlite+aiosqlite:///{file}")
        async with engine.connect() as connection:
            assert (await connection.exec_driver_sql("PRAGMA journal_mode")).scalar_one() == "wal"
        await engine.dispose()


async def test_processes_that_start_together_may_migrate_an_empty_database(database_url: str) -> None:
    url = database_address(database_url)
    await asyncio.gather(*(migrate(url) for _ in range(3)))
