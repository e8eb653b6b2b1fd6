"""From an address to an async SQLAlchemy engine: SQLite in WAL mode, or PostgreSQL through asyncpg.

Errors of these engines do not repeat the parameters of their statement: rosters and titles are among them, and a traceback is logged.
"""

import sqlite3
import time
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

__all__ = ["direct_engine", "only_reading", "reading_engine", "writing_engine"]

#: Milliseconds that SQLite waits for another process's write.
_BUSY_MS = 10_000
_AGAIN_SECONDS = 0.01
_CACHE_KIB = 64 * 1024
#: A month of some thousand classes.
_READ_CACHE_KIB = 16 * 1024
#: Of 4 KiB: a batch of a backlog alone writes thousands.
_CHECKPOINT_PAGES = 16 * 1024
_READING = ("query_only=ON", f"cache_size=-{_READ_CACHE_KIB}")
_ONLY_READS = "impact_only_reads"


def writing_engine(url: str) -> AsyncEngine:
    """For the projection and the migrations. `url`: `sqlite+aiosqlite:///...` or `postgresql+asyncpg://...`, as the settings give it.

    SQLite's transactions take the write lock when they begin: one that read first could not wait for it later. Those of `only_reading`
    do not.
    """
    pragmas = ("journal_mode=WAL", "synchronous=NORMAL", f"cache_size=-{_CACHE_KIB}", f"wal_autocheckpoint={_CHECKPOINT_PAGES}")
    return _engine(url, begin="BEGIN IMMEDIATE", pragmas=pragmas)


def only_reading(engine: AsyncEngine) -> AsyncEngine:
    """The same engine for transactions that write nothing: they do not wait for a write under way, nor does one wait for them."""
    return engine.execution_options(**{_ONLY_READS: True})


def reading_engine(url: str) -> AsyncEngine:
    """For queries: it cannot write, and what one transaction asks comes from one moment."""
    return _engine(url, begin="BEGIN", pragmas=_READING)


def _engine(url: str, *, begin: str, pragmas: tuple[str, ...]) -> AsyncEngine:
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed, begin, pragmas)
    reading = {"default_transaction_read_only": "on", "default_transaction_isolation": "repeatable read"} if begin == "BEGIN" else {}
    connect = {"server_settings": {"application_name": "impact-calendar", **reading}}
    return create_async_engine(parsed, pool_pre_ping=True, hide_parameters=True, connect_args=connect)


def _sqlite(url: URL, begin: str, pragmas: tuple[str, ...]) -> AsyncEngine:
    engine = create_async_engine(url, hide_parameters=True)
    _prepare(engine.sync_engine, pragmas)

    @event.listens_for(engine.sync_engine, "begin")
    def begin_transaction(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN" if connection.get_execution_options().get(_ONLY_READS) else begin)

    return engine


def direct_engine(url: URL) -> Engine:
    """For queries on SQLite by one thread that waits for them; each statement is a transaction of its own."""
    sqlite = url.set(drivername="sqlite")
    engine = create_engine(sqlite, pool_size=1, max_overflow=0, pool_reset_on_return=None, hide_parameters=True)
    _prepare(engine, _READING)
    return engine


def _prepare(engine: Engine, pragmas: tuple[str, ...]) -> None:
    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver's own idea of when to begin leaves DDL out; "begin" takes its place
        cursor = connection.cursor()
        for pragma in (f"busy_timeout={_BUSY_MS}", *pragmas):
            _when_free(cursor, f"PRAGMA {pragma}")
        cursor.close()


def _when_free(cursor: Any, statement: str) -> None:
    """SQLite itself does not wait for a lock where it changes a file's journal mode: processes that start together refused one another."""
    deadline = time.monotonic() + _BUSY_MS / 1000
    while True:
        try:
            cursor.execute(statement)
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        time.sleep(_AGAIN_SECONDS)
