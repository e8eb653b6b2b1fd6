"""The tables of the read model, for SQLite and PostgreSQL alike; the migrations bring a database here.

Instants are UTC. Batches have numbers that only grow: `changes` says what each of the last ones changed, so that readers can ask.
What is written often is narrow, and what an index holds changes seldom: that is what the speed of a backlog hangs on.
A student's id stands in `classes.state` (opaque, the fold's own bytes) and nowhere else.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Dialect,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    text,
)
from sqlalchemy.types import TypeDecorator

__all__ = ["Instant", "changes", "classes", "connections", "entries", "metadata", "offsets", "projection", "providers", "steps"]


class Instant(TypeDecorator[datetime]):
    """An aware datetime. SQLite keeps no offset: there it is stored as UTC and comes back as UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is not UTC:
            value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = MetaData()

#: One row. `seq`: batches written. `beat`: grows while the writer is idle. `writer`: who writes, NULL for nobody. `as_of`: see queries.
projection = Table(
    "projection",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    Column("beat", BigInteger, nullable=False),
    Column("writer", String),
    Column("as_of", Instant),
)

#: `position`: the next offset to read.
offsets = Table(
    "offsets",
    metadata,
    Column("topic", String, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("position", BigInteger, nullable=False),
    PrimaryKeyConstraint("topic", "partition"),
)

#: Columns from `class_type` to `card` are NULL until the class is known. `card` is JSON, see facts.py: what readers are shown, the other
#: columns are to find and count by. `starts_at` is wall time, `ends_on` a wall date. `last_day`: from which the days count until the
#: class is forgotten. `state` stands behind what readers read.
classes = Table(
    "classes",
    metadata,
    Column("class_id", String, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("class_type", String),
    Column("title", String),
    Column("starts_at", DateTime),
    Column("ends_on", Date),
    Column("spans_days", Boolean, nullable=False),
    Column("ends_utc", Instant),
    Column("presence", String),
    Column("status", String, nullable=False),
    Column("student_count", Integer, nullable=False),
    Column("last_day", Date),
    Column("card", String),
    Column("state", LargeBinary, nullable=False),
    Index("ix_classes_starts_at", "starts_at", "class_id"),
    Index("ix_classes_spans_days", "ends_on", sqlite_where=text("spans_days"), postgresql_where=text("spans_days")),
    Index("ix_classes_class_type", "class_type"),
    Index("ix_classes_last_day", "last_day"),
)

#: Who gives a class now: what `provider_ids` says, for looking up by provider.
providers = Table(
    "class_providers",
    metadata,
    Column("provider_id", String, nullable=False),
    Column("class_id", String, nullable=False),
    PrimaryKeyConstraint("provider_id", "class_id"),
    Index("ix_class_providers_class_id", "class_id"),
    sqlite_with_rowid=False,
)

#: A class on one provider's calendar. `wanted` and `revision` come from the class's events; `outcome_*` from the last outcome that says
#: how it stands; `changed_*` from the last one that changed the calendar. Both sides are written apart, in whatever order they come.
#: `seq`: the batch that wrote the row last.
entries = Table(
    "entries",
    metadata,
    Column("class_id", String, nullable=False),
    Column("provider_id", String, nullable=False),
    Column("wanted", Boolean, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("standing", Boolean, nullable=False),
    Column("outcome_kind", String),
    Column("outcome_revision", BigInteger, nullable=False),
    Column("outcome_reason", String),
    Column("outcome_service", String),
    Column("next_try_at", Instant),
    Column("changed_kind", String),
    Column("changed_at", Instant),
    Column("seq", BigInteger, nullable=False),
    PrimaryKeyConstraint("class_id", "provider_id"),
    Index("ix_entries_provider_id", "provider_id", "changed_at"),
    sqlite_with_rowid=False,
)

#: The timelines. `ref` names a step within its class, so that what comes twice stands once. `step` is JSON, see facts.py. With a rowid in
#: SQLite: the rows are then written one after another, and only their short keys in the order of classes.
steps = Table(
    "steps",
    metadata,
    Column("class_id", String, nullable=False),
    Column("ref", String, nullable=False),
    Column("stage", String, nullable=False),
    Column("step", String, nullable=False),
    PrimaryKeyConstraint("class_id", "ref"),
)

#: What the last batches changed. `what` is `class` or `provider`; `many` when a batch changed more than is worth naming.
changes = Table(
    "changes",
    metadata,
    Column("seq", BigInteger, nullable=False),
    Column("what", String, nullable=False),
    Column("id", String, nullable=False),
    PrimaryKeyConstraint("seq", "what", "id"),
    sqlite_with_rowid=False,
)

connections = Table(
    "connections",
    metadata,
    Column("provider_id", String, primary_key=True),
    Column("grant_id", String, nullable=False),
    Column("service", String, nullable=False),
    Column("email", String, nullable=False),
    Column("state", String, nullable=False),
    Column("connected_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("reason", String),
)
