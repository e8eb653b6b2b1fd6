"""One provider's connection and what stands on that calendar: one statement, made once, since every open profile page asks for it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import String, bindparam, case, func, select, true

from adapters.read_model.reading import entry_mark, tally
from adapters.read_model.tables import Instant, classes, connections, entries
from adapters.read_model.views import CalendarSummary, ConnectionView, LastChange, Mark
from adapters.read_model.wording import change_words
from schemas.outcomes import OutcomeKind

__all__ = ["OWN_CALENDAR", "own_calendar"]

_FIELDS = ConnectionView.__struct_fields__
_PROVIDER = bindparam("provider_id", type_=String)
_classes_too = entries.outerjoin(classes, classes.c.class_id == entries.c.class_id)

#: One row for all entries that are alike, with their number; `next_try_at` is the soonest.
_alike = (
    entries.c.wanted,
    entries.c.standing,
    entries.c.outcome_kind,
    case((entries.c.outcome_revision >= entries.c.revision, 1), else_=0).label("heard"),
    entries.c.outcome_reason,
    entries.c.outcome_service,
    (classes.c.ends_utc <= bindparam("now", type_=Instant)).label("ended"),
)
_groups = (
    select(*_alike, func.min(entries.c.next_try_at).label("next_try_at"), func.count().label("number"))
    .select_from(_classes_too)
    .where(entries.c.provider_id == _PROVIDER)
    .group_by(*(column.name if column.name in ("heard", "ended") else column for column in _alike))
    .subquery("alike")
)
_last = (
    select(entries.c.class_id, classes.c.title, entries.c.changed_kind, entries.c.changed_at)
    .select_from(_classes_too)
    .where(entries.c.provider_id == _PROVIDER, entries.c.changed_at.is_not(None))
    .order_by(entries.c.changed_at.desc())
    .limit(1)
    .subquery("last_change")
)
_asked = select(_PROVIDER.label("provider_id")).subquery("asked")
OWN_CALENDAR = select(*(connections.c[name] for name in _FIELDS), *_last.c, *_groups.c).select_from(
    _asked.outerjoin(connections, connections.c.provider_id == _asked.c.provider_id).outerjoin(_groups, true()).outerjoin(_last, true())
)
_CONNECTION, _LAST = len(_FIELDS), len(_FIELDS) + 4


def own_calendar(rows: Sequence[Any], provider_id: str, now: datetime) -> tuple[ConnectionView | None, CalendarSummary]:
    """`rows`: of OWN_CALENDAR. None for a provider who never connected a calendar. Without any class nothing stands, nothing waits."""
    first = rows[0]
    known = dict(zip(_FIELDS, first[:_CONNECTION], strict=True))
    view = msgspec.convert(known, ConnectionView) if first.grant_id is not None else None
    groups = [row[_LAST:] for row in rows if row.number is not None]
    marked = []
    for wanted, standing, kind, heard, reason, service, ended, next_try_at, number in groups:
        row = (provider_id, wanted, 1, standing, kind, heard, reason, service, next_try_at, known["state"], known["service"], ended)
        marked.append((entry_mark(row, now), number))
    return view, CalendarSummary(
        standing=sum(group[-1] for group in groups if group[1]),
        waiting=tally(marked, Mark.WAITING),
        failed=tally(marked, Mark.FAILED),
        last_change=None if first.changed_kind is None else _last_change(*first[_CONNECTION:_LAST]),
    )


def _last_change(class_id: str, title: str | None, kind: str, at: datetime) -> LastChange:
    return LastChange(class_id=class_id, title=title or "", words=change_words(title or "", OutcomeKind(kind)), at=at)
