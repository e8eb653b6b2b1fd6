"""A period in brief: how many classes each day has, the first few of them, and how all of them stand.

A month has thousands of classes and shows a few of each day: the others are counted by the index over starts, and no card is read.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Select, cast, func, select
from sqlalchemy import String as Text
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.read_model.facts import card_facts
from adapters.read_model.marks import WORST_FIRST
from adapters.read_model.selects import matching, spanning
from adapters.read_model.standing import at, counted
from adapters.read_model.tables import classes
from adapters.read_model.views import ClassCard, ClassQuery, Mark

__all__ = ["Brief", "DayOverview", "Overview", "brief_days", "count_marks", "day_overview", "last_day", "spans_of"]

_DAY = timedelta(days=1)
_ids = msgspec.json.Decoder(list[str]).decode


class DayOverview(msgspec.Struct, frozen=True, kw_only=True):
    """`count`: classes that take place on the day. `shown`: the first of them by start, or all."""

    day: date
    count: int
    shown: tuple[ClassCard, ...] = ()


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """`marks`: how many classes stand so, by the worst of their marks; those that none has are left out."""

    days: tuple[DayOverview, ...]
    marks: tuple[tuple[Mark, int], ...]

    @property
    def count(self) -> int:
        return sum(count for _, count in self.marks)


class Span(NamedTuple):
    """Of a class that goes on after midnight."""

    starts_at: datetime
    class_id: str
    ends_at: datetime


class Brief(msgspec.Struct):
    """A day before its cards are read. `ids`: of the first classes, in no order."""

    count: int = 0
    ids: list[str] = msgspec.field(default_factory=list)


async def spans_of(connection: AsyncConnection, query: ClassQuery) -> list[Span]:
    """Classes that go on after midnight, by start: few."""
    rows = await connection.execute(select(classes.c.class_id, classes.c.card).where(*spanning(query)))
    found = ((class_id, card_facts(card)) for class_id, card in rows)
    return sorted((Span(facts.starts_at, class_id, facts.ends_at) for class_id, facts in found))


async def brief_days(connection: AsyncConnection, query: ClassQuery, most: int, spans: Iterable[Span]) -> dict[date, Brief]:
    """Days without a class are left out. `spans`: of the query."""
    found: dict[date, Brief] = defaultdict(Brief)
    for day, count, ids in await connection.execute(_beginning(query, most, connection.dialect.name)):
        found[_date(day)] = Brief(count, _ids(ids))
    for span in spans:
        day = max(span.starts_at.date() + _DAY, query.first_day)
        while day <= min(last_day(span.starts_at, span.ends_at), query.last_day):
            there = found[day]
            there.count += 1
            if len(there.ids) < 2 * most:  # `most` that begin on the day, and as many before them
                there.ids.append(span.class_id)
            day += _DAY
    return found


async def count_marks(connection: AsyncConnection, query: ClassQuery, now: datetime, spans: Iterable[Span]) -> tuple[tuple[Mark, int], ...]:
    """`spans`: of the query, or of more days."""
    reaching_in = [span.class_id for span in spans if span.starts_at.date() < query.first_day <= span.ends_at.date()]
    numbers: Counter[Mark] = Counter()
    for conditions in (matching(query)[1], [classes.c.class_id.in_(reaching_in)] if reaching_in else None):
        if conditions is not None:
            row = (await connection.execute(counted(conditions, query.provider_restriction), at(now))).one()
            numbers.update(dict(zip(WORST_FIRST, row, strict=True)))
    return tuple((mark, numbers[mark]) for mark in Mark if numbers[mark])


def day_overview(day: date, brief: Brief, cards: Mapping[str, ClassCard], most: int) -> DayOverview:
    first = sorted((cards[class_id] for class_id in brief.ids), key=lambda card: (card.starts_at, card.class_id))
    return DayOverview(day=day, count=brief.count, shown=tuple(first[:most]))


def last_day(starts_at: datetime, ends_at: datetime) -> date:
    """The last day on which a class takes place: one that ends at midnight ends on the day before."""
    return ends_at.date() - _DAY if ends_at.time() == time() and ends_at > starts_at else ends_at.date()


def _beginning(query: ClassQuery, most: int, dialect: str) -> Select[Any]:
    """A row for each day on which a class begins: the day, how many do, and the ids of the first as a JSON array."""
    conditions = matching(query)[1]
    day = func.date(classes.c.starts_at)
    ends = func.min(classes.c.starts_at).label("earliest"), func.max(classes.c.starts_at).label("latest")
    days = select(day.label("day"), func.count().label("number"), *ends).where(*conditions).group_by(day).subquery("days")
    firsts = (
        select(classes.c.class_id)
        .where(classes.c.starts_at >= days.c.earliest, classes.c.starts_at <= days.c.latest, *conditions)
        .order_by(classes.c.starts_at, classes.c.class_id)
        .limit(most)
        .correlate(days)
        .subquery("firsts")
    )
    collect = func.json_group_array if dialect == "sqlite" else func.json_agg
    ids = select(cast(collect(firsts.c.class_id), Text)).correlate(days).scalar_subquery()
    return select(days.c.day, days.c.number, ids).order_by(days.c.day)


def _date(found: date | str) -> date:
    """SQLite says a date in ISO 8601."""
    return found if isinstance(found, date) else date.fromisoformat(found)
