"""Where a read model stands in tests: on SQLite and on a real PostgreSQL, each test in a database of its own. Settings without a broker."""

import base64
import itertools
import os
import warnings
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from tests.support.postgres import postgres_programs, private_postgres

#: Set by .ci/run.
REQUIRE_POSTGRES = "IMPACT_TEST_REQUIRE_POSTGRES"

_numbers = itertools.count()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of one private server for the run. Without PostgreSQL's programs its tests are skipped, loudly, but never in CI."""
    programs = postgres_programs()
    if programs is None:
        message = "PostgreSQL IS NOT INSTALLED: the read model is tested on SQLite alone (apt-get install postgresql)"
        if os.environ.get("CI") or os.environ.get(REQUIRE_POSTGRES):
            pytest.fail(message)
        warnings.warn(message, stacklevel=1)
        pytest.skip(message)
    with private_postgres(programs) as address:
        yield address


@pytest.fixture(params=["sqlite", "postgresql"])
async def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """As IMPACT_DATABASE_URL has it. Nothing is in the database yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'read-model.sqlite3'}"
    server: str = request.getfixturevalue("postgres")
    name = f"test_{next(_numbers)}"
    connection = await asyncpg.connect(server)
    try:
        await connection.execute(f"CREATE DATABASE {name}")
    finally:
        await connection.close()
    return server.replace("/postgres?", f"/{name}?")


@pytest.fixture
def unreachable(tmp_path: Path) -> dict[str, str]:
    """Settings that are complete for every worker, whose brokers nobody can reach."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("IMPACT_")}
    return inherited | {
        "IMPACT_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "IMPACT_DATA_DIR": str(tmp_path / "data"),
        "IMPACT_VAULT_KEYS": f"test:{base64.b64encode(bytes(32)).decode()}",
        "IMPACT_GOOGLE_CLIENT_ID": "id",
        "IMPACT_GOOGLE_CLIENT_SECRET": "secret",
    }
