"""A month as a grid of weeks, Monday first; each event on its own local day."""

import calendar
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from infra.sandbox.control.view import EventView

__all__ = ["Day", "Month", "lay_out", "read_month"]

_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")


@dataclass(frozen=True, order=True)
class Month:
    year: int
    number: int

    @property
    def title(self) -> str:
        return f"{calendar.month_name[self.number]} {self.year}"

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.number:02d}"

    def shifted(self, by: int) -> "Month":
        """`by` months later; stays within the years 1 to 9998 (a grid shows days of the next year)."""
        index = min(max(self.year * 12 + self.number - 1 + by, 12), 9998 * 12 + 11)
        return Month(index // 12, index % 12 + 1)


@dataclass(frozen=True, kw_only=True)
class Day:
    """`inside`: of the month, and not of the one before or after."""

    date: date
    inside: bool
    events: Sequence[EventView]


def read_month(text: str | None, default: date) -> Month | None:
    """The month of a query; None when it is not one (`2026-11`). Absent: the default's."""
    if text is None:
        return Month(default.year, default.month)
    match = _MONTH.fullmatch(text)
    return Month(int(match[1]), int(match[2])) if match and 0 < int(match[1]) < 9999 else None


def lay_out(month: Month, events: Iterable[EventView]) -> list[list[Day]]:
    by_day: dict[date, list[EventView]] = defaultdict(list)
    for event in sorted(events, key=lambda event: (event.start_local, event.id)):
        by_day[event.start_local.date()].append(event)
    weeks = calendar.Calendar(firstweekday=0).monthdatescalendar(month.year, month.number)
    return [[Day(date=day, inside=day.month == month.number, events=by_day[day]) for day in week] for week in weeks]
