"""The calendar as its templates take it: one period laid out, links around it, and how its classes stand."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from adapters.portal.classes.addresses import LIVE_CALENDAR, calendar_url, changes_url
from adapters.portal.classes.entries import MARK_WORDS
from adapters.portal.classes.filters import ClassFilters, View
from adapters.portal.classes.grids import DayCell, HourGroup, WeekGrid, day_hours, month_weeks, week_grid
from adapters.portal.classes.periods import Period
from adapters.portal.classes.reader import Reader, digest
from adapters.portal.classes.zones import clock_change, most_common_zone
from adapters.read_model.overview import Overview
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
    """`count`: classes of the period proper. `clock_changes`: day -> what its clocks do. `own`: the reader sees only their own classes."""

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
        """Whether to offer the reader to connect their calendar."""
        return self.own and any(count.mark is Mark.NOT_CONNECTED for count in self.marks)

    def day_url(self, day: date) -> str:
        return calendar_url(self.filters.at(View.DAY, day))

    def period_url(self, day: date | None) -> str | None:
        return None if day is None else calendar_url(self.filters.at(self.filters.view, day))

    def without_url(self, name: str, value: str) -> str:
        return calendar_url(self.filters.without(name, value))


def calendar_page(reader: Reader, overview: Overview) -> CalendarPage:
    period = reader.period
    zone = reader.zone or most_common_zone(card for day in overview.days for card in day.shown)
    changes = ((day, clock_change(day, zone)) for day in period.days)
    return CalendarPage(
        filters=reader.filters,
        period=period,
        layout=_layout(period, overview, reader.today, zone),
        zone=zone,
        zone_known=reader.zone is not None,
        today=reader.today,
        own=reader.restriction is not None,
        count=overview.count,
        marks=tuple(MarkCount(mark=mark, words=MARK_WORDS[mark], count=count) for mark, count in overview.marks),
        clock_changes={day: words for day, words in changes if words is not None},
        seen=digest(overview),
    )


def _layout(period: Period, overview: Overview, today: date, zone: str) -> Layout:
    days: dict[date, Sequence[ClassCard]] = dict.fromkeys(period.days, ()) | {day.day: day.shown for day in overview.days}
    match period.view:
        case View.MONTH:
            return Layout(month=month_weeks(period, days, today, zone, {day.day: day.count for day in overview.days}))
        case View.WEEK:
            return Layout(week=week_grid(period, days, today, zone))
        case View.DAY:
            return Layout(day=day_hours(period.on, days[period.on], zone))
