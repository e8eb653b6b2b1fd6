"""Statements that are asked in one go: many at once, errors as SQLAlchemy's, and nothing left behind."""

import asyncio
import threading

import pytest
from sqlalchemy import literal, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.read_model.own import OWN_CALENDAR
from adapters.read_model.short_reads import ShortReads
from adapters.read_model.tables import projection
from tests.integration.read_model.folding import NOW


async def test_many_at_once_are_each_answered(reading: AsyncEngine) -> None:
    reads = ShortReads(reading)
    found = await asyncio.gather(*(reads.rows(OWN_CALENDAR, {"provider_id": f"p{number}", "now": NOW}) for number in range(50)))
    assert [len(rows) for rows in found] == [1] * 50


async def test_it_cannot_write_and_says_what_is_wrong(reading: AsyncEngine) -> None:
    with pytest.raises(DBAPIError):
        await ShortReads(reading).rows(projection.update().values(seq=7).returning(projection.c.seq), {})  # type: ignore[arg-type]


async def test_disposing_of_the_engine_ends_the_thread(reading: AsyncEngine) -> None:
    reads = ShortReads(reading)
    await reads.rows(select(literal(1)), {})
    mine = [thread for thread in threading.enumerate() if thread.name.startswith("short-reads")]
    assert bool(mine) == (reading.dialect.name == "sqlite")
    await reading.dispose()
    for thread in mine:
        await asyncio.to_thread(thread.join, 5)
        assert not thread.is_alive()
