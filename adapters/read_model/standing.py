"""How many classes stand how: `marks.mark_of` said in SQL, so that thousands are counted where they are. A test holds the two together.

Columns of `classes` that its index over starts does not hold are asked for last: SQLite then leaves most rows unread.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, DateTime, Select, and_, bindparam, case, exists, func, or_, select

from adapters.read_model.marks import OFF, SHOWN, WORST_FIRST
from adapters.read_model.tables import Instant, classes, connections, entries, providers
from adapters.read_model.views import BookedStatus, Mark
from schemas.connections import ConnectionState
from schemas.outcomes import OutcomeKind

__all__ = ["at", "counted", "ranked"]

_RANKS = {mark: rank for rank, mark in enumerate(WORST_FIRST)}
_kind, _state = entries.c.outcome_kind, connections.c.state
_heard = entries.c.outcome_revision >= entries.c.revision
#: A class that starts later than this after now, by whatever clock on the wall, has not ended.
_ZONES = timedelta(days=1)
_NOW, _SOON = bindparam("now", type_=Instant), bindparam("soon", type_=DateTime)


def at(now: datetime) -> dict[str, datetime]:
    """The parameters of these statements."""
    return {"now": now, "soon": now.astimezone(UTC).replace(tzinfo=None) + _ZONES}


def counted(conditions: Sequence[Any], restriction: str | None) -> Select[Any]:
    """One row: for each mark of WORST_FIRST the number of classes of which it is the worst; with a restriction, that provider's mark.

    It takes the parameters of `at`.
    """
    worst = ranked(conditions, restriction).subquery("worst")
    counts: list[ColumnElement[Any]] = [func.count().filter(worst.c.rank == rank) for rank in _RANKS.values()]
    return select(*counts).select_from(worst)


def ranked(conditions: Sequence[Any], restriction: str | None) -> Select[Any]:
    """class_id, and `rank`: the place of its worst mark in WORST_FIRST."""
    connected = connections.c.provider_id == entries.c.provider_id
    return (
        select(classes.c.class_id, func.min(_RANK).label("rank"))
        .select_from(classes.outerjoin(entries, _of_class(restriction)).outerjoin(connections, connected))
        .where(*conditions)
        .group_by(classes.c.starts_at, classes.c.class_id)
    )


def _of_class(restriction: str | None) -> ColumnElement[bool]:
    """The entries that say how a class stands: not those of providers who gave it before."""
    own = entries.c.class_id == classes.c.class_id
    if restriction is not None:
        return and_(own, entries.c.provider_id == restriction)
    gives = exists().where(providers.c.provider_id == entries.c.provider_id, providers.c.class_id == entries.c.class_id)
    tells = or_(entries.c.standing, _kind.is_not(None))
    return and_(own, or_(entries.c.wanted, and_(tells, gives.correlate(entries))))


def _rank() -> ColumnElement[int]:
    wanted, standing = entries.c.wanted, entries.c.standing
    by_status = case((classes.c.status == BookedStatus.BOOKED.value, _RANKS[Mark.WAITING]), else_=_RANKS[Mark.NONE])
    off = or_(_state.is_(None), _state.in_([state.value for state in OFF if state is not None]))
    removing = and_(standing, _state == ConnectionState.DISCONNECTING.value)
    here = or_(entries.c.outcome_service.is_(None), entries.c.outcome_service == connections.c.service)
    shown = and_(wanted, standing, _heard, _kind.in_(sorted(kind.value for kind in SHOWN)), here)
    return case(
        (entries.c.class_id.is_(None), by_status),
        (and_(_heard, _kind == OutcomeKind.DEAD_LETTERED.value, or_(wanted, standing)), _RANKS[Mark.FAILED]),
        (and_(_heard, _kind == OutcomeKind.RETRYING.value), _RANKS[Mark.WAITING]),
        (and_(_heard, _kind.in_([OutcomeKind.SKIPPED.value, OutcomeKind.DISMISSED.value])), _RANKS[Mark.NONE]),
        (and_(~wanted, ~standing), by_status),
        (and_(wanted, ~standing, classes.c.starts_at <= _SOON, classes.c.ends_utc <= _NOW), _RANKS[Mark.NONE]),
        (off, case((removing, _RANKS[Mark.WAITING]), else_=_RANKS[Mark.NOT_CONNECTED])),
        (shown, _RANKS[Mark.SYNCED]),
        else_=_RANKS[Mark.WAITING],
    )


_RANK = _rank()
