"""Bring a database to the schema of this release. Safe to run at every start, by several processes at once."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url

from adapters.read_model.engine import writing_engine

__all__ = ["migrate"]

#: Any number that nobody else uses: PostgreSQL's lock while the schema changes.
_LOCK = 0x1394_7A11


async def migrate(url: str) -> None:
    """Up to the newest revision, in one transaction; a SQLite file and its directory are made. Raises SQLAlchemy's errors."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = writing_engine(url)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()


def _upgrade(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    config = Config()
    config.set_main_option("script_location", "adapters.read_model:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
