"""A class on one day of the calendar: what the grids and lists show of it. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import Enum
from typing import Final

from adapters.portal.classes.zones import zone_note
from adapters.read_model.marks import WORST_FIRST
from adapters.read_model.overview import DayOverview, Overview, last_day
from adapters.read_model.views import ClassCard, EntryMark, Mark
from adapters.read_model.wording import FAILED_LEAD, WAITING_LEAD
from adapters.wording import SERVICE_NAMES

__all__ = ["Entry", "MARK_WORDS", "Part", "beside_mark", "by_day", "entry_of", "minutes_on", "overview_of", "worst_mark"]

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
    def detail(self) -> str:
        """What is to be said beside the mark's own words."""
        marks = self.card.marks
        return beside_mark(marks[0]) if len(marks) == 1 else self.mark_words

    @property
    def key(self) -> str:
        return f"{self.day.isoformat()} {self.card.class_id}"


def by_day(cards: Iterable[ClassCard], days: Sequence[date]) -> dict[date, list[ClassCard]]:
    """Each of `days` (contiguous) with the classes that take place on it, in their own wall time. `cards` come, and stay, by start."""
    found: dict[date, list[ClassCard]] = {day: [] for day in days}
    for card in cards:
        starts_on = card.starts_at.date()
        ends_on = starts_on if card.ends_at.date() == starts_on else last_day(card.starts_at, card.ends_at)
        if starts_on == ends_on:
            if (there := found.get(starts_on)) is not None:
                there.append(card)
            continue
        for day in days:
            if starts_on <= day <= ends_on:
                found[day].append(card)
    return found


def overview_of(cards: Sequence[ClassCard], days: Sequence[date]) -> Overview:
    """Everything, for the views that show all."""
    marks = Counter(worst_mark(card.marks) for card in cards)
    found = by_day(cards, days)
    return Overview(
        days=tuple(DayOverview(day=day, count=len(shown), shown=tuple(shown)) for day, shown in found.items() if shown),
        marks=tuple((mark, marks[mark]) for mark in Mark if marks[mark]),
    )


def entry_of(card: ClassCard, day: date, viewer_zone: str) -> Entry:
    """A class on one of the days on which it takes place."""
    starts, ends = minutes_on(card, day)
    part = _part(day, card.starts_at.date(), last_day(card.starts_at, card.ends_at))
    return Entry(
        card=card,
        day=day,
        part=part,
        starts=starts,
        ends=ends,
        clock=_clock(card, part),
        mark=worst_mark(card.marks),
        mark_words=mark_sentences(card.marks),
        zone_note=zone_note(card, viewer_zone),
    )


def minutes_on(card: ClassCard, day: date) -> tuple[int, int]:
    """Start and end of the part of a class that is on a day, in minutes after its midnight (0 to 1440)."""
    starts = _minutes(card.starts_at) if card.starts_at.date() == day else 0
    ends = _minutes(card.ends_at) if card.ends_at.date() == day else 1440
    return starts, ends


def worst_mark(marks: Sequence[EntryMark]) -> Mark:
    if len(marks) == 1:
        return marks[0].mark
    return min((mark.mark for mark in marks), key=WORST_FIRST.index, default=Mark.NONE)


def mark_sentences(marks: Sequence[EntryMark]) -> str:
    """One sentence, or one for each provider with the provider's id before it."""
    if len(marks) == 1:
        return marks[0].words
    return " ".join(f"{mark.provider_id}: {mark.words}" for mark in marks)


def beside_mark(mark: EntryMark) -> str:
    """A mark's sentence without what MARK_WORDS says already: `Google is limiting us; next try in 4 min.`"""
    if mark.mark is Mark.SYNCED:
        return f"{SERVICE_NAMES[mark.service]} calendar" if mark.service is not None else ""
    words = mark.words.removeprefix(WAITING_LEAD).removeprefix(FAILED_LEAD)
    return words[:1].upper() + words[1:]


def _part(day: date, starts_on: date, ends_on: date) -> Part:
    if starts_on == ends_on:
        return Part.WHOLE
    if day == starts_on:
        return Part.FIRST
    return Part.LAST if day == ends_on else Part.MIDDLE


def _minutes(moment: datetime) -> int:
    return moment.hour * 60 + moment.minute


def _clock(card: ClassCard, part: Part) -> str:
    match part:
        case Part.MIDDLE:
            return "All day"
        case Part.LAST:
            return "All day" if card.ends_at.time() == time() else f"Until {card.ends_at:%H:%M}"
        case Part.WHOLE | Part.FIRST:
            return f"{card.starts_at:%H:%M}"
