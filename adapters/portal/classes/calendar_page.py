"""The calendar as its templates take it: one period laid out, links around it, and how its classes stand."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from adapters.portal.classes.addresses import LIVE_CALENDAR, calendar_url, changes_url
from adapters.portal.classes.entries import MARK_WORDS, by_day, worst_mark
from adapters.portal.classes.filters import ClassFilters, View
from adapters.portal.classes.grids import DayCell, HourGroup, WeekGrid, day_hours, month_weeks, week_grid
from adapters.portal.classes.periods import Period
from adapters.portal.classes.reader import Reader, digest
from adapters.portal.classes.zones import clock_change, most_common_zone
from adapters.read_model.views import ClassCard, Mark

__all__ = ["CalendarPage", "Layout", "MarkCount", "calendar_page"]


@dataclass(frozen=True, kw_only=True)
class Layout:
    """One of the three is filled, by the view."""

    month: tuple[tuple[DayCell, ...], ...] = ()
    week: WeekGrid | None = None
    day: tuple[HourGroup, ...] = ()


@dataclass(frozen=True, kw_only=True)
class MarkCount:
    mark: Mark
    words: str
    count: int


@dataclass(frozen=True, kw_only=True)
class CalendarPage:
    """`count`: classes of the period proper. `clock_changes`: day -> what its clocks do. `own`: the reader sees only his own classes."""

    filters: ClassFilters
    period: Period
    layout: Layout
    zone: str
    zone_known: bool
    today: date
    own: bool
    count: int
    marks: tuple[MarkCount, ...]
    clock_changes: dict[date, str]
    seen: str

    @property
    def views(self) -> tuple[tuple[View, str], ...]:
        return tuple((view, calendar_url(self.filters.at(view, self.filters.on))) for view in View)

    @property
    def here(self) -> str:
        return calendar_url(self.filters)

    @property
    def today_url(self) -> str:
        return calendar_url(self.filters.at(self.filters.view, None))

    @property
    def reset_url(self) -> str:
        return calendar_url(self.filters.reset())

    @property
    def fragment_url(self) -> str:
        return calendar_url(self.filters, LIVE_CALENDAR)

    @property
    def changes_url(self) -> str:
        return changes_url(self.filters, self.seen)

    @property
    def not_connected(self) -> bool:
        """Whether to offer the reader to connect his calendar."""
        return self.own and any(count.mark is Mark.NOT_CONNECTED for count in self.marks)

    def day_url(self, day: date) -> str:
        return calendar_url(self.filters.at(View.DAY, day))

    def period_url(self, day: date | None) -> str | None:
        return None if day is None else calendar_url(self.filters.at(self.filters.view, day))

    def without_url(self, name: str, value: str) -> str:
        return calendar_url(self.filters.without(name, value))


def calendar_page(reader: Reader, cards: Sequence[ClassCard]) -> CalendarPage:
    period, zone = reader.period, reader.zone or most_common_zone(cards)
    begins, ends = period.bounds
    shown = [card for card in cards if card.starts_at < ends and card.ends_at >= begins]
    changes = ((day, clock_change(day, zone)) for day in period.days)
    return CalendarPage(
        filters=reader.filters,
        period=period,
        layout=_layout(period, cards, reader.today, zone),
        zone=zone,
        zone_known=reader.zone is not None,
        today=reader.today,
        own=reader.restriction is not None,
        count=len(shown),
        marks=_counts(shown),
        clock_changes={day: words for day, words in changes if words is not None},
        seen=digest(cards),
    )


def _layout(period: Period, cards: Sequence[ClassCard], today: date, zone: str) -> Layout:
    days = by_day(cards, period.days)
    match period.view:
        case View.MONTH:
            return Layout(month=month_weeks(period, days, today, zone))
        case View.WEEK:
            return Layout(week=week_grid(period, days, today, zone))
        case View.DAY:
            return Layout(day=day_hours(period.on, days[period.on], zone))


def _counts(cards: Sequence[ClassCard]) -> tuple[MarkCount, ...]:
    marks = [worst_mark(card.marks) for card in cards]
    return tuple(MarkCount(mark=mark, words=MARK_WORDS[mark], count=count) for mark in Mark if (count := marks.count(mark)))
