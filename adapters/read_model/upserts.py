"""Statements that write many rows: compiled once, given tuples, without SQLAlchemy's work for each row.

SQLite and PostgreSQL share the form INSERT ... ON CONFLICT; both take the parameters by position.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Date, DateTime, Dialect, Table, bindparam, false, func, literal_column, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import TypeEngine

from adapters.read_model.tables import Instant, classes, connections, entries, offsets, providers, steps

__all__ = ["ManyRows", "Upsert", "Upserts"]

Row = Sequence[Any]


class ManyRows:
    """An insert or update for many rows. Each gives `columns`, in order, and then what `where` is compared with, if anything is."""

    def __init__(self, dialect: Dialect, table: Table, columns: Sequence[str], statement: Any, where: Sequence[str] = ()) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=list(columns))
        given = [*columns, *where]
        if len(compiled.positiontup or ()) != len(given) or (compiled.positiontup or ())[: len(columns)] != list(columns):
            raise RuntimeError(f"{table.name}: parameters stand in the order {compiled.positiontup}, rows in {given}")
        self._sql = str(compiled)
        self._convert = _converter([_processor(table.c[name].type, dialect) for name in given])

    async def run(self, connection: AsyncConnection, rows: Iterable[Row]) -> None:
        converted = self._convert(rows)
        if converted:
            await connection.exec_driver_sql(self._sql, converted)


class Upsert(ManyRows):
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
        super().__init__(dialect, table, columns, statement)


class Upserts:
    """Those of the read model."""

    def __init__(self, dialect: Dialect) -> None:
        def whole(table: Table) -> Upsert:
            names = [column.name for column in table.c]
            return Upsert(dialect, table, names, update=[name for name in names if name not in table.primary_key.columns])

        self.classes = whole(classes)
        self.connections = whole(connections)
        self.offsets = whole(offsets)
        self.providers = Upsert(dialect, providers, ["provider_id", "class_id"])
        self.steps = Upsert(dialect, steps, [column.name for column in steps.c])
        roster = ["version", "status", "student_count", "state", "seq"]
        change = update(classes).where(classes.c.class_id == bindparam("of"))
        self.rosters = ManyRows(dialect, classes, roster, change, where=["class_id"])
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


def _converter(processors: Sequence[Callable[[Any], Any] | None]) -> Callable[[Iterable[Row]], list[tuple[Any, ...]]]:
    """Rows as the driver takes them."""
    at = [(place, processor) for place, processor in enumerate(processors) if processor is not None]
    if not at:
        return lambda rows: [tuple(row) for row in rows]

    def convert(rows: Iterable[Row]) -> list[tuple[Any, ...]]:
        converted = []
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
