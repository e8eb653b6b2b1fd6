"""Entries laid out: a month's cells, a week's columns with lanes for what overlaps, a day's hours. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Final

from adapters.portal.classes.entries import Entry
from adapters.portal.classes.periods import Period

__all__ = ["Block", "DayCell", "HourGroup", "WeekColumn", "WeekGrid", "day_hours", "month_weeks", "week_grid"]

#: Lines of a month's cell, "+2 more" being one of them.
CELL_LINES: Final = 4
#: Classes side by side in a week's column; the others are one tap away, on the day's own page.
MOST_LANES: Final = 3
#: Minutes that a block is drawn as at least, so that its time can be read.
SHORTEST: Final = 30
_OFFICE_HOURS: Final = (8, 18)


@dataclass(frozen=True, kw_only=True)
class DayCell:
    """`in_period`: of the month itself, not of a neighbour's days in its weeks. `more`: how many are not shown."""

    day: date
    in_period: bool
    is_today: bool
    shown: tuple[Entry, ...]
    more: int

    @property
    def count(self) -> int:
        return len(self.shown) + self.more


def month_weeks(period: Period, entries: Mapping[date, Sequence[Entry]], today: date) -> tuple[tuple[DayCell, ...], ...]:
    return tuple(tuple(_cell(period, day, entries[day], today) for day in week) for week in period.weeks)


def _cell(period: Period, day: date, entries: Sequence[Entry], today: date) -> DayCell:
    fits = len(entries) if len(entries) <= CELL_LINES else CELL_LINES - 1
    return DayCell(day=day, in_period=period.has(day), is_today=day == today, shown=tuple(entries[:fits]), more=len(entries) - fits)


@dataclass(frozen=True, kw_only=True)
class Block:
    """An entry in a week's column. `lane` of `lanes`: its place beside those that overlap. Minutes are of the day, rounded to five."""

    entry: Entry
    top: int
    bottom: int
    lane: int
    lanes: int


@dataclass(frozen=True, kw_only=True)
class WeekColumn:
    """`more`: how many did not find a lane."""

    day: date
    is_today: bool
    blocks: tuple[Block, ...]
    more: int

    @property
    def count(self) -> int:
        return len(self.blocks) + self.more


@dataclass(frozen=True, kw_only=True)
class WeekGrid:
    """`first_hour`, `last_hour`: what the grid shows of a day, 0 to 24."""

    columns: tuple[WeekColumn, ...]
    first_hour: int
    last_hour: int

    @property
    def hours(self) -> range:
        return range(self.first_hour, self.last_hour)


def week_grid(period: Period, entries: Mapping[date, Sequence[Entry]], today: date) -> WeekGrid:
    columns = tuple(_column(day, entries[day], today) for day in period.days)
    blocks = [block for column in columns for block in column.blocks]
    return WeekGrid(
        columns=columns,
        first_hour=min([_OFFICE_HOURS[0], *(block.top // 60 for block in blocks)]),
        last_hour=max([_OFFICE_HOURS[1], *(-(-block.bottom // 60) for block in blocks)]),
    )


def _column(day: date, entries: Sequence[Entry], today: date) -> WeekColumn:
    blocks = tuple(block for group in _overlapping(map(_placed, entries)) for block in _laned(group))
    return WeekColumn(day=day, is_today=day == today, blocks=blocks, more=len(entries) - len(blocks))


def _placed(entry: Entry) -> Block:
    top = min(entry.starts // 5 * 5, 1440 - SHORTEST)
    bottom = max(-(-entry.ends // 5) * 5, top + SHORTEST)
    return Block(entry=entry, top=top, bottom=bottom, lane=0, lanes=1)


def _overlapping(blocks: Iterable[Block]) -> list[list[Block]]:
    """Groups that do not touch each other; `blocks` are sorted by start."""
    groups: list[list[Block]] = []
    end = -1
    for block in sorted(blocks, key=lambda block: block.top):
        if block.top >= end:
            groups.append([])
        groups[-1].append(block)
        end = max(end, block.bottom)
    return groups


def _laned(group: Sequence[Block]) -> list[Block]:
    """Each in the first lane that is free; those that find none of MOST_LANES are left out."""
    free_from: list[int] = []
    placed: list[tuple[Block, int]] = []
    for block in group:
        lane = next((index for index, free in enumerate(free_from) if free <= block.top), len(free_from))
        if lane >= MOST_LANES:
            continue
        if lane == len(free_from):
            free_from.append(0)
        free_from[lane] = block.bottom
        placed.append((block, lane))
    lanes = len(free_from)
    return [Block(entry=block.entry, top=block.top, bottom=block.bottom, lane=lane, lanes=lanes) for block, lane in placed]


@dataclass(frozen=True, kw_only=True)
class HourGroup:
    """Entries of a day that begin in one hour. `label`: `09:00`, or `Since the day before`."""

    label: str
    entries: tuple[Entry, ...]


def day_hours(entries: Sequence[Entry]) -> tuple[HourGroup, ...]:
    return tuple(HourGroup(label=label, entries=tuple(group)) for label, group in groupby(entries, key=_hour_label))


def _hour_label(entry: Entry) -> str:
    if entry.day != entry.card.starts_at.date():
        return "From the day before"
    return f"{entry.starts // 60:02d}:00"
