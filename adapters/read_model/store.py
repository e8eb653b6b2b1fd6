"""The writing side. One writer at a time; a batch and the offsets it was read to are one transaction, so each record counts exactly once.

There is no lock to hold or lose: `projection.seq` is the number of batches written, and each transaction begins by moving it on from the
number that its writer knows. Who is too late writes nothing (LostWriterError), reads the positions again, or stands by.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from msgspec.structs import astuple
from sqlalchemy import delete, exists, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from adapters.read_model.engine import only_reading
from adapters.read_model.rows import Batch
from adapters.read_model.tables import changes, classes, connections, entries, offsets, projection, providers, steps
from adapters.read_model.upserts import Upserts

__all__ = ["KEPT_BATCHES", "MOST_NAMED", "LostWriterError", "Positions", "Pulse", "ReadModelStore"]

#: (topic, partition) -> the next offset to read.
Positions = Mapping[tuple[str, int], int]

#: Ids in one IN list.
_AT_ONCE = 5_000
#: Ids of one batch that are worth naming to readers who ask what changed, and batches that are kept for them.
MOST_NAMED = 1_000
KEPT_BATCHES = 500


class LostWriterError(Exception):
    """Another process writes the read model now; nothing of this transaction was written."""


@dataclass(frozen=True, kw_only=True)
class Pulse:
    """What moves while somebody writes."""

    seq: int
    beat: int
    writer: str | None


class ReadModelStore:
    """`engine`: see adapters.read_model.engine.writing_engine; the database is migrated. `writer`: a name of this process, unique.

    Raises SQLAlchemy's errors; what was not committed then was not written.
    """

    def __init__(self, engine: AsyncEngine, writer: str) -> None:
        self._engine = engine
        self._reading = only_reading(engine)
        self._writer = writer
        self._upserts = Upserts(engine.dialect)
        self._seq = -1

    async def pulse(self) -> Pulse:
        async with self._reading.connect() as connection:
            row = (await connection.execute(select(projection.c.seq, projection.c.beat, projection.c.writer))).one()
        return Pulse(seq=row.seq, beat=row.beat, writer=row.writer)

    async def take_over(self) -> Positions:
        """Become the writer; whoever was it finds out with its next write. From here on `write` goes on from these positions."""
        async with self._engine.begin() as connection:
            statement = update(projection).values(seq=projection.c.seq + 1, writer=self._writer).returning(projection.c.seq)
            seq: int = (await connection.execute(statement)).scalar_one()
            rows = (await connection.execute(select(offsets))).all()
        self._seq = seq
        return {(row.topic, row.partition): row.position for row in rows}

    async def states(self, class_ids: Sequence[str]) -> dict[str, bytes]:
        """The stored state of those that have one."""
        found: dict[str, bytes] = {}
        async with self._reading.connect() as connection:
            for start in range(0, len(class_ids), _AT_ONCE):
                chunk = class_ids[start : start + _AT_ONCE]
                rows = await connection.execute(select(classes.c.class_id, classes.c.state).where(classes.c.class_id.in_(chunk)))
                found.update((row[0], row[1]) for row in rows)
        return found

    async def write(self, batch: Batch, positions: Positions, as_of: datetime | None) -> None:
        """`positions` may leave out partitions that did not move. `as_of` None: as before. Raises LostWriterError."""
        async with self._engine.begin() as connection:
            seq = await self._move_on(connection, as_of)
            await self._write_rows(connection, batch, seq)
            await self._tell(connection, seq, batch.changed())
            await self._save(connection, positions)
        self._seq = seq

    async def beat(self, as_of: datetime | None) -> None:
        """Nothing to write, and still here. Raises LostWriterError."""
        values: dict[str, Any] = {"beat": projection.c.beat + 1} | ({"as_of": as_of} if as_of is not None else {})
        async with self._engine.begin() as connection:
            moved = await connection.execute(update(projection).where(projection.c.seq == self._seq).values(values))
            if moved.rowcount != 1:
                raise LostWriterError

    async def release(self) -> None:
        """Let a process that stands by take over at once. Harmless when another has already."""
        async with self._engine.begin() as connection:
            await connection.execute(update(projection).where(projection.c.seq == self._seq).values(writer=None))

    async def clear(self) -> None:
        """Forget everything, the positions too, but the sequence: cursors of readers stay valid. Raises LostWriterError."""
        async with self._engine.begin() as connection:
            seq = await self._move_on(connection, None)
            await connection.execute(update(projection).values(as_of=None))
            for table in (steps, entries, providers, classes, connections, offsets):
                await connection.execute(delete(table))
            await self._tell(connection, seq, None)
        self._seq = seq

    async def old_classes(self, last_day: date, limit: int) -> dict[str, bytes]:
        """States of classes whose last day is `last_day` or before, oldest first."""
        statement = (
            select(classes.c.class_id, classes.c.state).where(classes.c.last_day <= last_day).order_by(classes.c.last_day).limit(limit)
        )
        async with self._reading.connect() as connection:
            return {row[0]: row[1] for row in await connection.execute(statement)}

    async def strays(self, upto: int, limit: int) -> list[str]:
        """Ids that entries of batch `upto` or before have, and no class: outcomes of classes that were forgotten before they came."""
        known = exists().where(classes.c.class_id == entries.c.class_id)
        statement = select(entries.c.class_id).where(entries.c.seq <= upto, ~known).distinct().limit(limit)
        async with self._reading.connect() as connection:
            return list(await connection.scalars(statement))

    async def forget(self, class_ids: Sequence[str]) -> None:
        """Everything about these classes goes. Raises LostWriterError."""
        async with self._engine.begin() as connection:
            seq = await self._move_on(connection, None)
            for table in (steps, entries, providers, classes):
                await connection.execute(delete(table).where(table.c.class_id.in_(class_ids)))
            await self._tell(connection, seq, (set(class_ids), set()))
        self._seq = seq

    @property
    def seq(self) -> int:
        return self._seq

    async def _move_on(self, connection: AsyncConnection, as_of: datetime | None) -> int:
        """First in every transaction: it takes the row's lock, and what another wrote shows."""
        seq = self._seq + 1
        values: dict[str, Any] = {"seq": seq, "writer": self._writer} | ({"as_of": as_of} if as_of is not None else {})
        moved = await connection.execute(update(projection).where(projection.c.seq == self._seq).values(values))
        if moved.rowcount != 1:
            raise LostWriterError
        return seq

    async def _write_rows(self, connection: AsyncConnection, batch: Batch, seq: int) -> None:
        upserts = self._upserts
        await upserts.classes.run(connection, map(astuple, batch.classes.values()))
        await upserts.details.run(connection, map(astuple, batch.details.values()))
        await upserts.rosters.run(connection, map(astuple, batch.rosters.values()))
        if batch.providers:
            await connection.execute(delete(providers).where(providers.c.class_id.in_(list(batch.providers))))
            pairs = ((provider_id, class_id) for class_id, given_by in batch.providers.items() for provider_id in given_by)
            await upserts.providers.run(connection, pairs)
        await upserts.wanted.run(connection, _numbered(batch.wanted.values(), seq))
        await upserts.outcomes.run(connection, _numbered(batch.outcomes.values(), seq))
        await upserts.steps.run(connection, map(astuple, batch.steps))
        await upserts.connections.run(connection, (astuple(row) for row in batch.connections.values() if row is not None))
        gone = [provider_id for provider_id, row in batch.connections.items() if row is None]
        if gone:
            await connection.execute(delete(connections).where(connections.c.provider_id.in_(gone)))

    async def _tell(self, connection: AsyncConnection, seq: int, changed: tuple[set[str], set[str]] | None) -> None:
        """For those who ask what changed: classes and providers; None is everything."""
        named = [(seq, "many", "")]
        if changed is not None and sum(map(len, changed)) <= MOST_NAMED:
            named = [(seq, what, name) for what, ids in zip(("class", "provider"), changed, strict=True) for name in ids]
        await self._upserts.changes.run(connection, named)
        await connection.execute(delete(changes).where(changes.c.seq <= seq - KEPT_BATCHES))

    async def _save(self, connection: AsyncConnection, positions: Positions) -> None:
        if not positions:
            return
        await self._upserts.offsets.run(connection, ((topic, partition, position) for (topic, partition), position in positions.items()))


def _numbered(rows: Iterable[Any], seq: int) -> Iterable[tuple[Any, ...]]:
    return ((*astuple(row), seq) for row in rows)
