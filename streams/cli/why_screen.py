"""A timeline as a person reads it in a terminal. Colour only beside words; nothing of a class is read as markup."""

import sys
from datetime import datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from adapters.read_model.views import ClassCard, EntryMark, Mark, Timeline, Tone

__all__ = ["show"]

_MARKS = {
    Mark.SYNCED: ("on the calendar", "green"),
    Mark.WAITING: ("waiting", "yellow"),
    Mark.FAILED: ("failed", "red"),
    Mark.NOT_CONNECTED: ("not connected", "yellow"),
    Mark.NONE: ("not on the calendar", "dim"),
}
_TONES = {Tone.NEUTRAL: "", Tone.GOOD: "green", Tone.WAITING: "yellow", Tone.BAD: "red"}


def show(timeline: Timeline) -> None:
    console = Console(width=None if sys.stdout.isatty() else 160, highlight=False)
    for line in _heading(timeline):
        console.print(line)
    for mark in timeline.marks:
        console.print(_mark(mark))
    console.print()
    console.print(_steps(timeline))


def _heading(timeline: Timeline) -> list[Text]:
    card = timeline.card
    if card is None:
        return [Text(timeline.class_id, style="bold"), Text("It was not scheduled yet: only other events of it came.")]
    return [Text.assemble((card.title or card.class_type, "bold"), f"  {card.class_id}"), Text(_what(card))]


def _what(card: ClassCard) -> str:
    start, end = card.starts_at, card.ends_at
    until = f"{end:%H:%M}" if end.date() == start.date() else f"{end:%a} {end.day} {end:%b %Y %H:%M}"
    students = f"{card.student_count} student{'' if card.student_count == 1 else 's'}"
    status = card.status.value.replace("_", " ")
    where = f", {card.location}" if card.location else ""
    return f"{start:%a} {start.day} {start:%b %Y %H:%M} to {until} ({card.time_zone}){where}; {status}, {students}"


def _mark(mark: EntryMark) -> Text:
    label, style = _MARKS[mark.mark]
    return Text.assemble("  ", (f"{mark.provider_id}: ", "bold"), (label, style), f". {mark.words}")


def _steps(timeline: Timeline) -> Table:
    table = Table(box=None, pad_edge=False, show_edge=False)
    for column in ("when (UTC)", "version", "provider", "what happened"):
        table.add_column(column, overflow="fold", justify="right" if column == "version" else "left")
    for step in timeline.steps:
        who = step.provider_id or ""
        table.add_row(_moment(step.at), str(step.revision), Text(who), Text(step.words, style=_TONES[step.tone]))
    return table


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"
