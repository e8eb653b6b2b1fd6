"""Single statements that take a fraction of a millisecond and are asked all the time.

On SQLite they run in a thread of their own, each in one go. The asynchronous driver would change threads at every step, some ten times for
a statement, which costs several times what the statement does. On PostgreSQL they are asked as any other.
"""

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy import Engine, Row, Select, event
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.read_model.engine import direct_engine

__all__ = ["ShortReads"]


class ShortReads:
    """`engine`: of whose database; whoever disposes of it closes this too. Raises SQLAlchemy's errors."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._direct = direct_engine(engine.url) if engine.dialect.name == "sqlite" else None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="short-reads")
        event.listen(engine.sync_engine, "engine_disposed", self._close)

    async def rows(self, statement: Select[Any], parameters: Mapping[str, Any]) -> Sequence[Row[Any]]:
        if self._direct is not None:
            return await asyncio.get_running_loop().run_in_executor(self._thread, _read, self._direct, statement, parameters)
        async with self._engine.connect() as connection:
            rows: Sequence[Row[Any]] = (await connection.execute(statement, parameters)).all()
        return rows

    def _close(self, _engine: Engine) -> None:
        self._thread.shutdown(wait=False)
        if self._direct is not None:
            self._direct.dispose()


def _read(engine: Engine, statement: Select[Any], parameters: Mapping[str, Any]) -> Sequence[Row[Any]]:
    with engine.connect() as connection:
        return connection.execute(statement, parameters).all()
