"""What the database's errors say: a traceback of them ends in a log, where no student may be named."""

from typing import Any

import pytest
from sqlalchemy import insert, literal, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.read_model.engine import direct_engine
from adapters.read_model.tables import classes

ROSTER = "student-ada"
ROW: dict[str, Any] = {
    "class_id": "c1", "version": 1, "title": "Yoga for Ada", "spans_days": False, "status": "booked", "student_count": 1,
    "state": ROSTER.encode(),
}  # fmt: skip
#: Of a table that does not exist.
ASKED = select(literal(ROSTER)).select_from(text("nowhere"))


async def test_a_row_that_is_refused_is_not_repeated(writing: AsyncEngine) -> None:
    async with writing.begin() as connection:
        await connection.execute(insert(classes), ROW)
    with pytest.raises(IntegrityError) as refused:
        async with writing.begin() as connection:
            await connection.execute(insert(classes), ROW)
    assert "INSERT INTO classes" in str(refused.value)
    assert ROSTER not in str(refused.value)
    assert "Yoga" not in str(refused.value)


async def test_what_a_question_asked_for_is_not_repeated(reading: AsyncEngine) -> None:
    with pytest.raises(DBAPIError) as refused:
        async with reading.connect() as connection:
            await connection.execute(ASKED)
    assert ROSTER not in str(refused.value)


async def test_nor_by_the_engine_for_short_questions(reading: AsyncEngine) -> None:
    if reading.dialect.name != "sqlite":
        pytest.skip("on SQLite alone")
    engine = direct_engine(reading.url)
    with pytest.raises(DBAPIError) as refused, engine.connect() as connection:
        connection.execute(ASKED)
    engine.dispose()
    assert ROSTER not in str(refused.value)
