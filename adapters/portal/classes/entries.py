"""A class on one day of the calendar: what the grids and lists show of it. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import Enum
from typing import Final

from adapters.portal.classes.zones import zone_note
from adapters.read_model.views import ClassCard, EntryMark, Mark

__all__ = ["Entry", "MARK_WORDS", "Part", "by_day", "entries_of", "worst_mark"]

_DAY: Final = timedelta(days=1)
#: What wants attention first; a class of several providers shows the first of theirs.
_WORST_FIRST: Final = (Mark.FAILED, Mark.WAITING, Mark.NOT_CONNECTED, Mark.SYNCED, Mark.NONE)
#: The cloud marks in words, for the legend, for titles and for screen readers.
MARK_WORDS: Final[Mapping[Mark, str]] = {
    Mark.SYNCED: "On the calendar",
    Mark.WAITING: "Waiting",
    Mark.FAILED: "Failed",
    Mark.NOT_CONNECTED: "No calendar connected",
    Mark.NONE: "Not for the calendar",
}


class Part(Enum):
    """Which part of a class a day holds: classes over midnight stand on each day that they take place on."""

    WHOLE = "whole"
    FIRST = "first"
    MIDDLE = "middle"
    LAST = "last"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One class on one day. `starts`, `ends`: of the part on this day, in minutes after its midnight (0 to 1440).

    `clock`: the time that stands before the title. `key` names the entry on its page.
    """

    card: ClassCard
    day: date
    part: Part
    starts: int
    ends: int
    clock: str
    mark: Mark
    mark_words: str
    zone_note: str | None

    @property
    def key(self) -> str:
        return f"{self.day.isoformat()} {self.card.class_id}"


def by_day(cards: Iterable[ClassCard], days: Sequence[date], viewer_zone: str) -> dict[date, list[Entry]]:
    """Each of `days` (contiguous) with its entries: what began before first, then by start, title and id."""
    found: defaultdict[date, list[Entry]] = defaultdict(list)
    for card in cards:
        for entry in entries_of(card, days[0], days[-1], viewer_zone):
            found[entry.day].append(entry)
    return {day: sorted(found[day], key=_order) for day in days}


def _order(entry: Entry) -> tuple[int, int, str, str]:
    return entry.starts, -entry.ends, entry.card.title.casefold(), entry.card.class_id


def entries_of(card: ClassCard, first: date, last: date, viewer_zone: str) -> list[Entry]:
    """A class on each day from `first` to `last` on which it takes place, in its own wall time. One that ends at midnight ends that day."""
    starts_on, ends_on = card.starts_at.date(), _last_day(card)
    begin, end = max(starts_on, first), min(ends_on, last)
    if begin > end:
        return []
    note, mark = zone_note(card, viewer_zone), worst_mark(card.marks)
    words = mark_sentences(card.marks)
    days = (begin + _DAY * index for index in range((end - begin).days + 1))
    return [_entry(card, day, _part(day, starts_on, ends_on), mark, words, note) for day in days]


def _entry(card: ClassCard, day: date, part: Part, mark: Mark, words: str, note: str | None) -> Entry:
    return Entry(
        card=card,
        day=day,
        part=part,
        starts=_minutes(card.starts_at) if part in (Part.WHOLE, Part.FIRST) else 0,
        ends=_end_minutes(card) if part in (Part.WHOLE, Part.LAST) else 1440,
        clock=_clock(card, part),
        mark=mark,
        mark_words=words,
        zone_note=note,
    )


def worst_mark(marks: Iterable[EntryMark]) -> Mark:
    return min((mark.mark for mark in marks), key=_WORST_FIRST.index, default=Mark.NONE)


def mark_sentences(marks: Sequence[EntryMark]) -> str:
    """One sentence, or one for each provider with the provider's id before it."""
    if len(marks) == 1:
        return marks[0].words
    return " ".join(f"{mark.provider_id}: {mark.words}" for mark in marks)


def _last_day(card: ClassCard) -> date:
    ends = card.ends_at
    if ends.time() == time() and ends > card.starts_at:
        return ends.date() - _DAY
    return ends.date()


def _part(day: date, starts_on: date, ends_on: date) -> Part:
    if starts_on == ends_on:
        return Part.WHOLE
    if day == starts_on:
        return Part.FIRST
    return Part.LAST if day == ends_on else Part.MIDDLE


def _minutes(moment: datetime) -> int:
    return moment.hour * 60 + moment.minute


def _end_minutes(card: ClassCard) -> int:
    return 1440 if card.ends_at.time() == time() and card.ends_at > card.starts_at else _minutes(card.ends_at)


def _clock(card: ClassCard, part: Part) -> str:
    match part:
        case Part.MIDDLE:
            return "All day"
        case Part.LAST:
            return "All day" if card.ends_at.time() == time() else f"Until {card.ends_at:%H:%M}"
        case Part.WHOLE | Part.FIRST:
            return f"{card.starts_at:%H:%M}"
