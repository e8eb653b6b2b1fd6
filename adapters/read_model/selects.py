"""The statements of the queries over classes and their marks."""

from collections.abc import Collection
from datetime import datetime, time
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Integer, Select, and_, func, select, text, type_coerce

from adapters.read_model.tables import changes, classes, connections, entries, providers
from adapters.read_model.views import ClassQuery

__all__ = ["card", "cards", "cards_of", "changed", "connected", "marks_of_class", "matching", "reach", "spanning"]

#: More ids than this are not worth an IN list.
_MANY = 1_000

#: To sort by where another index finds the rows: SQLite would rather go through all that ever started than sort a few.
_START = func.coalesce(classes.c.starts_at, classes.c.starts_at)

_CARD = (classes.c.class_id, classes.c.card, classes.c.status, classes.c.student_count)

#: Of an entry, without its connection. `heard`: the last outcome is of what is wanted now. Truths are 0 and 1 in SQLite.
_SHORT_ENTRY = (
    entries.c.provider_id,
    type_coerce(entries.c.wanted, Integer),
    type_coerce(entries.c.outcome_revision >= entries.c.revision, Integer),
    type_coerce(entries.c.standing, Integer),
    entries.c.outcome_kind,
    entries.c.outcome_reason,
    entries.c.outcome_service,
    entries.c.next_try_at,
)

_ENTRY = (
    entries.c.provider_id,
    entries.c.wanted,
    entries.c.revision,
    entries.c.standing,
    entries.c.outcome_kind,
    entries.c.outcome_revision,
    entries.c.outcome_reason,
    entries.c.outcome_service,
    entries.c.next_try_at,
    connections.c.state,
    connections.c.service,
)


def cards(query: ClassQuery, now: datetime) -> tuple[Select[Any], ...]:
    """Rows for `reading.cards_of`, by when classes start: of those that go on from before, and of those that begin in the days asked for.

    One row for each class and entry, with a restriction that provider's entry only; one without an entry for a class that has none.
    """
    wanted, (reaching_in, beginning) = _with_entries(now, query.provider_restriction), matching(query)
    return (
        wanted.where(*reaching_in).order_by(_START, classes.c.class_id),
        wanted.where(*beginning).order_by(classes.c.starts_at, classes.c.class_id),
    )


def cards_of(class_ids: Collection[str], now: datetime, restriction: str | None) -> Select[Any]:
    """The same of these classes."""
    wanted = _with_entries(now, restriction).where(classes.c.class_id.in_(class_ids))
    return wanted.order_by(classes.c.starts_at, classes.c.class_id)


def _with_entries(now: datetime, restriction: str | None) -> Select[Any]:
    own = entries.c.class_id == classes.c.class_id
    joined = classes.outerjoin(entries, own if restriction is None else and_(own, entries.c.provider_id == restriction))
    ended = type_coerce(classes.c.ends_utc <= now, Integer)
    return select(*_CARD, *_SHORT_ENTRY, ended).select_from(joined)


def connected(provider_ids: Collection[str]) -> Select[Any]:
    """provider_id, state and service of these providers' connections; of all where these are many."""
    wanted = select(connections.c.provider_id, connections.c.state, connections.c.service)
    return wanted if len(provider_ids) > _MANY else wanted.where(connections.c.provider_id.in_(provider_ids))


def card(class_id: str) -> Select[Any]:
    return select(*_CARD).where(classes.c.class_id == class_id)


def marks_of_class(class_id: str, now: datetime, restriction: str | None) -> Select[Any]:
    """Rows for `reading.entry_mark`."""
    only = () if restriction is None else (entries.c.provider_id == restriction,)
    ended = (classes.c.ends_utc <= now).label("ended")
    return select(*_ENTRY, ended).select_from(_joined()).where(entries.c.class_id == class_id, *only)


def changed(after: int, upto: int) -> Select[Any]:
    """What the batches after `after`, to `upto`, changed."""
    return select(changes.c.what, changes.c.id).where(changes.c.seq > after, changes.c.seq <= upto)


def reach(after: int, most: int) -> Select[Any]:
    """The batch in which the change stands that comes `most` changes after a batch; no row where there are not so many."""
    return select(changes.c.seq).where(changes.c.seq > after).order_by(changes.c.seq).offset(most).limit(1)


def _joined() -> FromClause:
    return entries.outerjoin(classes, classes.c.class_id == entries.c.class_id).outerjoin(
        connections, connections.c.provider_id == entries.c.provider_id
    )


def matching(query: ClassQuery) -> tuple[list[Any], list[Any]]:
    """Conditions: for those that go on from before, and for those that begin in the days asked for.

    Most classes end on the day on which they start: one index finds those, in their order, another one the few others.
    """
    first, last = datetime.combine(query.first_day, time.min), datetime.combine(query.last_day, time.max)
    also = _filters(query)
    return [*spanning(query), classes.c.starts_at < first], [classes.c.starts_at >= first, classes.c.starts_at <= last, *also]


def spanning(query: ClassQuery) -> list[Any]:
    """Conditions for those that go on after midnight, wherever they begin."""
    last = datetime.combine(query.last_day, time.max)
    return [text("spans_days"), classes.c.ends_on >= query.first_day, classes.c.starts_at <= last, *_filters(query)]


def _filters(query: ClassQuery) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if query.provider_ids:
        conditions.append(_given_by(*query.provider_ids))
    if query.provider_restriction is not None:
        conditions.append(_given_by(query.provider_restriction))
    if query.class_types:
        conditions.append(classes.c.class_type.in_(sorted(query.class_types)))
    if query.presences:
        conditions.append(classes.c.presence.in_(sorted(presence.value for presence in query.presences)))
    if query.booked_statuses:
        conditions.append(classes.c.status.in_(sorted(status.value for status in query.booked_statuses)))
    return conditions


def _given_by(*provider_ids: str) -> ColumnElement[bool]:
    mine = select(providers.c.class_id).where(providers.c.provider_id.in_(sorted(provider_ids)))
    return classes.c.class_id.in_(mine)
