"""Which days a view shows, what they are called, and where back and forward lead. Weeks run from Sunday to Saturday."""

from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from adapters.portal.classes.filters import FIRST_DAY, LAST_DAY, View

__all__ = ["Period", "period_of"]

_DAY: Final = timedelta(days=1)
_WEEK: Final = timedelta(days=7)


@dataclass(frozen=True, kw_only=True)
class Period:
    """`first`, `last`: the days on the page, those of a month's neighbours in its weeks included.

    `on`: the day that it was asked for. `back`, `forward`: a day of the period before and after; None where the contract's years end.
    """

    view: View
    on: date
    first: date
    last: date
    heading: str
    back: date | None
    forward: date | None

    @property
    def days(self) -> tuple[date, ...]:
        return tuple(self.first + _DAY * index for index in range((self.last - self.first).days + 1))

    @property
    def weeks(self) -> tuple[tuple[date, ...], ...]:
        days = self.days
        return tuple(days[start : start + 7] for start in range(0, len(days), 7))

    @property
    def proper(self) -> tuple[date, date]:
        """The first and the last day of the period proper."""
        own = [day for day in self.days if self.has(day)]
        return own[0], own[-1]

    def has(self, day: date) -> bool:
        """Whether a day is of the period proper: a month shows days of its neighbours too."""
        return self.view is not View.MONTH or (day.year, day.month) == (self.on.year, self.on.month)


def period_of(view: View, on: date) -> Period:
    return _MAKERS[view](on)


def _month(on: date) -> Period:
    first = on.replace(day=1)
    last = on.replace(day=monthrange(on.year, on.month)[1])
    return Period(
        view=View.MONTH,
        on=on,
        first=_sunday(first),
        last=_sunday(last) + timedelta(days=6),
        heading=f"{on:%B} {on.year}",
        back=_within((first - _DAY).replace(day=1)),
        forward=_within(last + _DAY),
    )


def _week(on: date) -> Period:
    first = _sunday(on)
    last = first + timedelta(days=6)
    return Period(
        view=View.WEEK, on=on, first=first, last=last, heading=_span(first, last), back=_within(on - _WEEK), forward=_within(on + _WEEK)
    )


def _day(on: date) -> Period:
    heading = f"{on:%A}, {on.day} {on:%B} {on.year}"
    return Period(view=View.DAY, on=on, first=on, last=on, heading=heading, back=_within(on - _DAY), forward=_within(on + _DAY))


_MAKERS: Final[dict[View, Callable[[date], Period]]] = {View.MONTH: _month, View.WEEK: _week, View.DAY: _day}


def _sunday(day: date) -> date:
    return day - _DAY * (day.isoweekday() % 7)


def _within(day: date) -> date | None:
    return day if FIRST_DAY <= day <= LAST_DAY else None


def _span(first: date, last: date) -> str:
    """`10 - 16 October 2021`; month and year are said twice only where they differ."""
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day} \u2013 {last.day} {last:%B} {last.year}"
    if first.year == last.year:
        return f"{first.day} {first:%b} \u2013 {last.day} {last:%b} {last.year}"
    return f"{first.day} {first:%b} {first.year} \u2013 {last.day} {last:%b} {last.year}"
