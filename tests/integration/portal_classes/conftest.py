"""One world a test, over SQLite and over PostgreSQL."""

from collections.abc import AsyncIterator

import pytest

from streams.database_address import database_address
from tests.integration.portal_classes.world import World


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    made = World(database_address(database_url))
    await made.open()
    yield made
    await made.close()
