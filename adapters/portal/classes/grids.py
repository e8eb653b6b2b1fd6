"""Entries laid out: a month's cells, a week's columns with lanes for what overlaps, a day's hours. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Final, NamedTuple

from adapters.portal.classes.entries import Entry, entry_of, minutes_on
from adapters.portal.classes.periods import Period
from adapters.read_model.views import ClassCard

__all__ = ["CELL_LINES", "Block", "DayCell", "HourGroup", "WeekColumn", "WeekGrid", "day_hours", "month_weeks", "week_grid"]

#: Lines of a month's cell, "+2 more" being one of them.
CELL_LINES: Final = 4
#: Classes side by side in a week's column; the others are one tap away, on the day's own page.
MOST_LANES: Final = 2
#: Minutes that a block is drawn as at least, so that its time can be read.
SHORTEST: Final = 30
_OFFICE_HOURS: Final = (8, 18)

#: A day -> its classes, by start.
CardsByDay = Mapping[date, Sequence[ClassCard]]


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


def month_weeks(
    period: Period, cards: CardsByDay, today: date, viewer_zone: str, counts: Mapping[date, int] | None = None
) -> tuple[tuple[DayCell, ...], ...]:
    """`counts`: how many classes a day has, where `cards` holds the first CELL_LINES of them only."""
    counted = {day: len(of_day) for day, of_day in cards.items()} | dict(counts or {})
    return tuple(tuple(_cell(period, day, cards[day], counted[day], today, viewer_zone) for day in week) for week in period.weeks)


def _cell(period: Period, day: date, cards: Sequence[ClassCard], count: int, today: date, viewer_zone: str) -> DayCell:
    fits = count if count <= CELL_LINES else CELL_LINES - 1
    shown = tuple(entry_of(card, day, viewer_zone) for card in cards[:fits])
    return DayCell(day=day, in_period=period.has(day), is_today=day == today, shown=shown, more=count - fits)


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


def week_grid(period: Period, cards: CardsByDay, today: date, viewer_zone: str) -> WeekGrid:
    columns = tuple(_column(day, cards[day], today, viewer_zone) for day in period.days)
    blocks = [block for column in columns for block in column.blocks]
    return WeekGrid(
        columns=columns,
        first_hour=min([_OFFICE_HOURS[0], *(block.top // 60 for block in blocks)]),
        last_hour=max([_OFFICE_HOURS[1], *(-(-block.bottom // 60) for block in blocks)]),
    )


def _column(day: date, cards: Sequence[ClassCard], today: date, viewer_zone: str) -> WeekColumn:
    slots = sorted((_slot(card, day) for card in cards), key=lambda slot: (slot.top, -slot.bottom))
    placed = [lane for group in _overlapping(slots) for lane in _laned(group)]
    blocks = tuple(
        Block(entry=entry_of(slot.card, day, viewer_zone), top=slot.top, bottom=slot.bottom, lane=lane, lanes=lanes)
        for slot, lane, lanes in placed
    )
    return WeekColumn(day=day, is_today=day == today, blocks=blocks, more=len(cards) - len(blocks))


class _Slot(NamedTuple):
    card: ClassCard
    top: int
    bottom: int


def _slot(card: ClassCard, day: date) -> _Slot:
    starts, ends = minutes_on(card, day)
    top = min(starts // 5 * 5, 1440 - SHORTEST)
    return _Slot(card, top, max(-(-ends // 5) * 5, top + SHORTEST))


def _overlapping(slots: Iterable[_Slot]) -> list[list[_Slot]]:
    """Groups that do not touch each other; `slots` are sorted by start."""
    groups: list[list[_Slot]] = []
    end = -1
    for slot in slots:
        if slot.top >= end:
            groups.append([])
        groups[-1].append(slot)
        end = max(end, slot.bottom)
    return groups


def _laned(group: Sequence[_Slot]) -> list[tuple[_Slot, int, int]]:
    """Each with its lane and their number, in the first lane that is free; those that find none of MOST_LANES are left out."""
    free_from: list[int] = []
    placed: list[tuple[_Slot, int]] = []
    for slot in group:
        lane = next((index for index, free in enumerate(free_from) if free <= slot.top), len(free_from))
        if lane >= MOST_LANES:
            continue
        if lane == len(free_from):
            free_from.append(0)
        free_from[lane] = slot.bottom
        placed.append((slot, lane))
    return [(slot, lane, len(free_from)) for slot, lane in placed]


@dataclass(frozen=True, kw_only=True)
class HourGroup:
    """Entries of a day that begin in one hour. `label`: `09:00`, or `From the day before`."""

    label: str
    entries: tuple[Entry, ...]


def day_hours(day: date, cards: Sequence[ClassCard], viewer_zone: str) -> tuple[HourGroup, ...]:
    entries = (entry_of(card, day, viewer_zone) for card in cards)
    return tuple(HourGroup(label=label, entries=tuple(group)) for label, group in groupby(entries, key=_hour_label))


def _hour_label(entry: Entry) -> str:
    if entry.day != entry.card.starts_at.date():
        return "From the day before"
    return f"{entry.starts // 60:02d}:00"
