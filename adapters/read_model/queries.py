"""The questions of the portal and of `why`. Nothing in the write path asks them."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any

import msgspec
from msgspec.structs import replace
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from adapters.read_model import selects
from adapters.read_model.overview import Overview, brief_days, count_marks, day_overview, spans_of
from adapters.read_model.own import OWN_CALENDAR, own_calendar
from adapters.read_model.reading import PROVIDER, card_of, cards_of, entry_mark, step_of
from adapters.read_model.short_reads import ShortReads
from adapters.read_model.store import KEPT_BATCHES
from adapters.read_model.tables import classes, connections, projection, providers, steps
from adapters.read_model.views import (
    CalendarSummary,
    Changes,
    Choices,
    ClassCard,
    ClassQuery,
    ConnectionView,
    EntryMark,
    Mark,
    Stage,
    Timeline,
)

__all__ = ["ReadModelQueries"]

#: Ids in one answer of `changes_since`.
CHANGES_AT_ONCE = 1000

_STAGES = {stage: rank for rank, stage in enumerate(Stage)}


def _utc_now() -> datetime:
    return datetime.now(UTC)


class ReadModelQueries:
    """Each question is one short read transaction on a connection of the engine's pool. Raises SQLAlchemy's errors.

    `engine`: see adapters.read_model.engine.reading_engine; the database is migrated. The caller disposes of it.
    """

    def __init__(self, engine: AsyncEngine, clock: Callable[[], datetime] = _utc_now) -> None:
        self._engine = engine
        self._short = ShortReads(engine)
        self._clock = clock

    async def as_of(self) -> datetime | None:
        """Everything that had been published by then is in. None while the read model is built for the first time, or anew."""
        async with self._engine.connect() as connection:
            found: datetime | None = await connection.scalar(select(projection.c.as_of))
            return found

    async def connection(self, provider_id: str) -> ConnectionView | None:
        """None for a provider who never connected a calendar."""
        fields = ConnectionView.__struct_fields__
        statement = select(*(connections.c[name] for name in fields)).where(connections.c.provider_id == provider_id)
        async with self._engine.connect() as connection:
            row = (await connection.execute(statement)).one_or_none()
        return None if row is None else msgspec.convert(dict(zip(fields, row, strict=True)), ConnectionView)

    async def classes(self, query: ClassQuery) -> list[ClassCard]:
        """By start. Classes that were never scheduled are not in it."""
        now = self._clock()
        async with self._engine.connect() as connection:
            rows = [row for part in selects.cards(query, now) for row in (await connection.execute(part)).all()]
            connected = await _connected(connection, rows)
        return cards_of(rows, connected, now, query.provider_restriction)

    async def overview(self, query: ClassQuery, proper: tuple[date, date], most: int) -> Overview:
        """Each day of the query that has a class, with the first `most` of it; how the classes of the days of `proper` stand."""
        now = self._clock()
        async with self._engine.connect() as connection:
            spans = await spans_of(connection, query)
            days = await brief_days(connection, query, most, spans)
            marks = await count_marks(connection, replace(query, first_day=proper[0], last_day=proper[1]), now, spans)
            ids = {class_id for day in days.values() for class_id in day.ids}
            rows = (await connection.execute(selects.cards_of(ids, now, query.provider_restriction))).all()
            connected = await _connected(connection, rows)
        cards = {card.class_id: card for card in cards_of(rows, connected, now, query.provider_restriction)}
        return Overview(days=tuple(day_overview(day, days[day], cards, most) for day in sorted(days)), marks=marks)

    async def choices(self, provider_restriction: str | None = None) -> Choices:
        """What filters can be set to; with a restriction, the providers and types of the classes that this provider gives."""
        who, what = select(providers.c.provider_id), select(classes.c.class_type)
        if provider_restriction is not None:
            mine = select(providers.c.class_id).where(providers.c.provider_id == provider_restriction)
            who, what = who.where(providers.c.class_id.in_(mine)), what.where(classes.c.class_id.in_(mine))
        async with self._engine.connect() as connection:
            found = [sorted(filter(None, await connection.scalars(statement.distinct()))) for statement in (who, what)]
        return Choices(provider_ids=tuple(found[0]), class_types=tuple(found[1]))

    async def calendar(self, provider_id: str) -> tuple[ConnectionView | None, CalendarSummary]:
        """The provider's connection and what stands on the calendar: as `connection` and `calendar_summary`, asked at once."""
        now = self._clock()
        return own_calendar(await self._short.rows(OWN_CALENDAR, {"provider_id": provider_id, "now": now}), provider_id, now)

    async def calendar_summary(self, provider_id: str) -> CalendarSummary:
        """Of a provider without any class: nothing stands, nothing waits."""
        return (await self.calendar(provider_id))[1]

    async def timeline(self, class_id: str, provider_restriction: str | None = None) -> Timeline | None:
        """None for a class that is not known, or that the provider of the restriction does not give now.

        With a restriction only what concerns the class, or this provider's own calendar.
        """
        now = self._clock()
        async with self._engine.connect() as connection:
            row = (await connection.execute(selects.card(class_id))).one_or_none()
            marked = (await connection.execute(selects.marks_of_class(class_id, now, provider_restriction))).all()
            rows = (await connection.execute(select(steps.c.stage, steps.c.step).where(steps.c.class_id == class_id))).all()
        if row is None and not rows:
            return None
        marks = {found[0]: entry_mark(found, now) for found in marked}
        card = card_of(row, marks, now, provider_restriction) if row is not None and row.card is not None else None
        if provider_restriction is not None and (card is None or provider_restriction not in card.provider_ids):
            return None
        told = (step_of(found.stage, found.step) for found in rows)
        taken = [step for step in told if provider_restriction is None or step.provider_id in (None, provider_restriction)]
        taken.sort(key=lambda step: (step.at, step.revision, _STAGES[step.stage]))
        return Timeline(class_id=class_id, card=card, marks=_all_marks(card, marks.values()), steps=tuple(taken))

    async def changes_since(self, cursor: int | None) -> Changes:
        """Ids of what changed after `cursor`; None asks for the cursor of now. Cheap enough to be asked several times a second."""
        async with self._engine.connect() as connection:
            newest: int = await connection.scalar(select(projection.c.seq)) or 0
            if cursor is None or cursor >= newest:
                return Changes(cursor=newest)
            if cursor < newest - KEPT_BATCHES:
                return Changes(cursor=newest, many=True)
            # whole batches, until there are enough
            upto = await connection.scalar(selects.reach(cursor, CHANGES_AT_ONCE)) or newest
            ids: dict[str, set[str]] = {"class": set(), "provider": set(), "many": set()}
            for what, named in await connection.execute(selects.changed(cursor, upto)):
                ids[what].add(named)
        class_ids, provider_ids = frozenset(ids["class"]), frozenset(ids["provider"])
        return Changes(cursor=upto, class_ids=class_ids, provider_ids=provider_ids, more=upto < newest, many=bool(ids["many"]))


async def _connected(connection: AsyncConnection, rows: Sequence[Any]) -> dict[str, tuple[str, str]]:
    """State and service of the connection of each provider in rows for `cards_of`."""
    provider_ids = {row[PROVIDER] for row in rows} - {None}
    return {row[0]: (row[1], row[2]) for row in await connection.execute(selects.connected(provider_ids))}


def _all_marks(card: ClassCard | None, marks: Iterable[EntryMark]) -> tuple[EntryMark, ...]:
    """The card's, then those of providers who gave the class before and on whose calendar something is still to be said."""
    shown = card.marks if card is not None else ()
    known = {mark.provider_id for mark in shown}
    return (*shown, *(mark for mark in marks if mark.provider_id not in known and mark.mark is not Mark.NONE))
