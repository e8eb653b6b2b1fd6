"""Every test of the read model runs over SQLite and over a real PostgreSQL: `database_url` of the tests' common conftest."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.read_model.engine import reading_engine, writing_engine
from adapters.read_model.migrate import migrate
from streams.database_address import database_address


@pytest.fixture
async def writing(database_url: str) -> AsyncIterator[AsyncEngine]:
    """Of a migrated database."""
    url = database_address(database_url)
    await migrate(url)
    engine = writing_engine(url)
    yield engine
    await engine.dispose()


@pytest.fixture
async def reading(database_url: str, writing: AsyncEngine) -> AsyncIterator[AsyncEngine]:
    engine = reading_engine(database_address(database_url))
    yield engine
    await engine.dispose()
