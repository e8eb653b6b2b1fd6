"""Statements that write many rows: compiled once, given tuples, without SQLAlchemy's work for each row.

SQLite and PostgreSQL share the form INSERT ... ON CONFLICT; both take the parameters by position. SQLite gets thousands of rows in one
statement: it works on them without Python's lock, while the next batch is folded; row by row it would wait for the lock at each.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from itertools import chain
from typing import Any

from sqlalchemy import ColumnElement, Date, DateTime, Dialect, Table, false, func, literal_column
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import TypeEngine

from adapters.read_model.tables import Instant, changes, classes, connections, entries, offsets, providers, steps

__all__ = ["Upsert", "Upserts"]

Row = Sequence[Any]

#: Parameters of one SQLite statement, which takes 32,766.
_MOST_PARAMETERS = 32_000
#: Fewer rows than this go one by one, by a statement that is always the same.
_FEW = 16


class Upsert:
    """`columns`: those that rows give, in order. `update`: those that a row that stands takes over; none: it stays as it is.

    `keep`: of those, the ones that a NULL leaves as they are. `fixed`: what a new row has beside.
    """

    def __init__(
        self,
        dialect: Dialect,
        table: Table,
        columns: Sequence[str],
        *,
        update: Sequence[str] = (),
        keep: Sequence[str] = (),
        fixed: Mapping[str, ColumnElement[Any]] | None = None,
    ) -> None:
        build: Any = postgresql.insert if dialect.name == "postgresql" else sqlite.insert
        statement = build(table)
        if fixed:
            statement = statement.values(fixed)
        key = [column.name for column in table.primary_key]
        if update:
            new = statement.excluded
            values = {name: func.coalesce(new[name], table.c[name]) if name in keep else new[name] for name in update}
            statement = statement.on_conflict_do_update(index_elements=key, set_=values)
        else:
            statement = statement.on_conflict_do_nothing(index_elements=key)
        compiled = statement.compile(dialect=dialect, column_keys=list(columns))
        if list(compiled.positiontup or ()) != list(columns):
            raise RuntimeError(f"{table.name}: parameters stand in the order {compiled.positiontup}, rows in {columns}")
        self._sql = str(compiled)
        self._convert = _converter([_processor(table.c[name].type, dialect) for name in columns])
        self._at_once = _MOST_PARAMETERS // len(columns) if dialect.name == "sqlite" else 0

    async def run(self, connection: AsyncConnection, rows: Iterable[Row]) -> None:
        converted = self._convert(rows)
        while self._at_once and len(converted) >= _FEW:
            chunk, converted = converted[: self._at_once], converted[self._at_once :]
            await connection.exec_driver_sql(self._for(len(chunk)), tuple(chain.from_iterable(chunk)))
        if converted:
            await connection.exec_driver_sql(self._sql, converted)

    def _for(self, rows: int) -> str:
        """The statement for so many rows."""
        head, values, tail = self._sql.partition(" VALUES ")
        row, on, conflict = tail.partition(" ON CONFLICT ")
        return f"{head}{values}{','.join([row] * rows)}{on}{conflict}"


class Upserts:
    """Those of the read model."""

    def __init__(self, dialect: Dialect) -> None:
        def whole(table: Table) -> Upsert:
            names = [column.name for column in table.c]
            return Upsert(dialect, table, names, update=[name for name in names if name not in table.primary_key.columns])

        def part(*names: str) -> Upsert:
            """Of classes that stand, so that `fixed` is never written."""
            return Upsert(dialect, classes, ["class_id", *names], update=names, fixed={"spans_days": false()})

        self.classes = whole(classes)
        self.details = part("version", "title", "presence", "status", "student_count", "card", "state")
        self.rosters = part("version", "status", "student_count", "state")
        self.connections = whole(connections)
        self.offsets = whole(offsets)
        self.providers = Upsert(dialect, providers, ["provider_id", "class_id"])
        self.steps = Upsert(dialect, steps, [column.name for column in steps.c])
        self.changes = Upsert(dialect, changes, [column.name for column in changes.c])
        ids, outcome = ["class_id", "provider_id"], ["standing", "outcome_kind", "outcome_revision", "outcome_reason", "outcome_service"]
        outcome += ["next_try_at", "changed_kind", "changed_at", "seq"]
        wanted = ["wanted", "revision", "seq"]
        self.wanted = Upsert(
            dialect, entries, ids + wanted, update=wanted, fixed={"standing": false(), "outcome_revision": literal_column("0")}
        )
        self.outcomes = Upsert(
            dialect,
            entries,
            ids + outcome,
            update=outcome,
            keep=("outcome_service", "changed_kind", "changed_at"),
            fixed={"wanted": false(), "revision": literal_column("0")},
        )


def _converter(processors: Sequence[Callable[[Any], Any] | None]) -> Callable[[Iterable[Row]], list[Row]]:
    """Rows as the driver takes them."""
    at = [(place, processor) for place, processor in enumerate(processors) if processor is not None]
    if not at:
        return list

    def convert(rows: Iterable[Row]) -> list[Row]:
        converted: list[Row] = []
        for row in rows:
            values = list(row)
            for place, processor in at:
                if values[place] is not None:
                    values[place] = processor(values[place])
            converted.append(tuple(values))
        return converted

    return convert


def _processor(kind: TypeEngine[Any], dialect: Dialect) -> Callable[[Any], Any] | None:
    """SQLite has no times: SQLAlchemy reads and writes ISO 8601 text, and so does this, quicker. asyncpg takes them as they are."""
    if dialect.name != "sqlite":
        return None
    if isinstance(kind, Instant):
        return _instant_text
    if isinstance(kind, DateTime):
        return _time_text
    return date.isoformat if isinstance(kind, Date) else None


def _time_text(wall: datetime) -> str:
    return wall.isoformat(" ", "microseconds")


def _instant_text(at: datetime) -> str:
    return (at if at.tzinfo is UTC else at.astimezone(UTC)).replace(tzinfo=None).isoformat(" ", "microseconds")
