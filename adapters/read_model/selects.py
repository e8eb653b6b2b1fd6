"""The statements of the queries over classes and their marks."""

from datetime import datetime, time
from typing import Any

from sqlalchemy import Column, ColumnElement, FromClause, Select, and_, select

from adapters.read_model.tables import classes, connections, entries, providers
from adapters.read_model.views import ClassQuery

__all__ = ["card", "cards", "changed", "marks_of_class"]

_CARD = (
    classes.c.class_id,
    classes.c.kind,
    classes.c.class_type,
    classes.c.title,
    classes.c.starts_at,
    classes.c.ends_at,
    classes.c.time_zone,
    classes.c.location,
    classes.c.presence,
    classes.c.url,
    classes.c.status,
    classes.c.student_count,
    classes.c.provider_ids,
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
    restriction = query.provider_restriction
    own = entries.c.class_id == classes.c.class_id
    entry = own if restriction is None else and_(own, entries.c.provider_id == restriction)
    joined = classes.outerjoin(entries, entry).outerjoin(connections, connections.c.provider_id == entries.c.provider_id)
    wanted = select(*_CARD, *_ENTRY, (classes.c.ends_utc <= now).label("ended")).select_from(joined)
    return tuple(wanted.where(*part).order_by(classes.c.starts_at, classes.c.class_id) for part in _matching(query))


def card(class_id: str) -> Select[Any]:
    return select(*_CARD).where(classes.c.class_id == class_id)


def marks_of_class(class_id: str, now: datetime, restriction: str | None) -> Select[Any]:
    """Rows for `reading.entry_mark`."""
    only = () if restriction is None else (entries.c.provider_id == restriction,)
    ended = (classes.c.ends_utc <= now).label("ended")
    return select(*_ENTRY, ended).select_from(_joined()).where(entries.c.class_id == class_id, *only)


def changed(column: Column[Any], after: int, upto: int) -> Select[Any]:
    """A column of the rows that batches after `after`, to `upto`, changed."""
    seq = column.table.c.seq
    return select(column).where(seq > after, seq <= upto)


def _joined() -> FromClause:
    return entries.outerjoin(classes, classes.c.class_id == entries.c.class_id).outerjoin(
        connections, connections.c.provider_id == entries.c.provider_id
    )


def _matching(query: ClassQuery) -> tuple[list[ColumnElement[bool]], list[ColumnElement[bool]]]:
    """Most classes end on the day on which they start: one index finds those, in their order, another one the few others."""
    reaches_in = [classes.c.spans_days.is_(True), classes.c.starts_on < query.first_day, classes.c.ends_on >= query.first_day]
    first, last = datetime.combine(query.first_day, time.min), datetime.combine(query.last_day, time.max)
    also = _filters(query)
    return [*reaches_in, *also], [classes.c.starts_at >= first, classes.c.starts_at <= last, *also]


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
