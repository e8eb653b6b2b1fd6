"""The read model: classes, entries, timelines, connections, and how far they were read."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _progress()
    _classes()
    _calendars()
    op.execute("INSERT INTO projection (id, seq, beat) VALUES (1, 0, 0)")


def _progress() -> None:
    op.create_table(
        "projection",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("beat", sa.BigInteger, nullable=False),
        sa.Column("writer", sa.String),
        sa.Column("as_of", _INSTANT),
    )
    op.create_table(
        "offsets",
        sa.Column("topic", sa.String, nullable=False),
        sa.Column("partition", sa.Integer, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("topic", "partition"),
    )
    op.create_table(
        "changes",
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("what", sa.String, nullable=False),
        sa.Column("id", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("seq", "what", "id"),
        sqlite_with_rowid=False,
    )


def _classes() -> None:
    op.create_table(
        "classes",
        sa.Column("class_id", sa.String, primary_key=True),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("class_type", sa.String),
        sa.Column("title", sa.String),
        sa.Column("starts_at", sa.DateTime),
        sa.Column("ends_on", sa.Date),
        sa.Column("spans_days", sa.Boolean, nullable=False),
        sa.Column("ends_utc", _INSTANT),
        sa.Column("presence", sa.String),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("student_count", sa.Integer, nullable=False),
        sa.Column("last_day", sa.Date),
        sa.Column("card", sa.String),
        sa.Column("state", sa.LargeBinary, nullable=False),
        sa.Index("ix_classes_starts_at", "starts_at", "class_id"),
        sa.Index("ix_classes_spans_days", "ends_on", sqlite_where=sa.text("spans_days"), postgresql_where=sa.text("spans_days")),
        sa.Index("ix_classes_class_type", "class_type"),
        sa.Index("ix_classes_last_day", "last_day"),
    )
    op.create_table(
        "class_providers",
        sa.Column("provider_id", sa.String, nullable=False),
        sa.Column("class_id", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("provider_id", "class_id"),
        sa.Index("ix_class_providers_class_id", "class_id"),
        sqlite_with_rowid=False,
    )


def _calendars() -> None:
    op.create_table(
        "entries",
        sa.Column("class_id", sa.String, nullable=False),
        sa.Column("provider_id", sa.String, nullable=False),
        sa.Column("wanted", sa.Boolean, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("standing", sa.Boolean, nullable=False),
        sa.Column("outcome_kind", sa.String),
        sa.Column("outcome_revision", sa.BigInteger, nullable=False),
        sa.Column("outcome_reason", sa.String),
        sa.Column("outcome_service", sa.String),
        sa.Column("next_try_at", _INSTANT),
        sa.Column("changed_kind", sa.String),
        sa.Column("changed_at", _INSTANT),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("class_id", "provider_id"),
        sa.Index("ix_entries_provider_id", "provider_id", "changed_at"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "steps",
        sa.Column("class_id", sa.String, nullable=False),
        sa.Column("ref", sa.String, nullable=False),
        sa.Column("stage", sa.String, nullable=False),
        sa.Column("step", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("class_id", "ref"),
    )
    op.create_table(
        "connections",
        sa.Column("provider_id", sa.String, primary_key=True),
        sa.Column("grant_id", sa.String, nullable=False),
        sa.Column("service", sa.String, nullable=False),
        sa.Column("email", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("connected_at", _INSTANT, nullable=False),
        sa.Column("changed_at", _INSTANT, nullable=False),
        sa.Column("reason", sa.String),
    )


def downgrade() -> None:
    for table in ("connections", "steps", "entries", "class_providers", "classes", "changes", "offsets", "projection"):
        op.drop_table(table)
