from pathlib import Path

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What random examples reach is no coverage that holds tomorrow, and watching every line of thousands of them doubles their time."""
    mine = Path(__file__).parent
    for item in items:
        if item.path.parent == mine:
            item.add_marker("no_cover")
