"""One world a test; the month of thousands is filled once a module."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.portal_classes.world import World


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path)
    await made.open()
    yield made
    await made.close()
