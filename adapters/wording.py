"""What a calendar event says, in words that are the same for every calendar service; and the names that pages use too."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Final

from schemas.connections import Service
from schemas.events import Kind, Presence
from schemas.intents import CalendarEntry

__all__ = [
    "KIND_WORDS",
    "MAINTAINED_BY",
    "MAINTAINER",
    "PRESENCE_WORDS",
    "SERVICE_NAMES",
    "description_lines",
    "one_line",
    "shorten",
    "title_of",
]

MAINTAINER = "Impact Feedback"
MAINTAINED_BY = f"{MAINTAINER} maintains this event. Changes made by hand may be overwritten."

#: Control characters, and what XML 1.0 has no place for, which is how Exchange keeps texts.
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")

SERVICE_NAMES: Final[Mapping[Service, str]] = {Service.GOOGLE: "Google", Service.MICROSOFT: "Microsoft"}
KIND_WORDS: Final[Mapping[Kind, str]] = {Kind.CLASS: "Class", Kind.APPOINTMENT: "Appointment"}
PRESENCE_WORDS: Final[Mapping[Presence, str]] = {
    Presence.IN_PERSON: "In person",
    Presence.ONLINE: "Online",
    Presence.HYBRID: "In person and online",
}


def title_of(entry: CalendarEntry) -> str:
    """One line. A class without a title is called by its type, then by its kind."""
    return one_line(entry.title) or one_line(entry.class_type) or KIND_WORDS[entry.kind]


def description_lines(entry: CalendarEntry) -> tuple[str, ...]:
    """Plain text: what it is and how it is held; the link to the class, when it has one; who maintains the event."""
    what = " · ".join(filter(None, (one_line(entry.class_type), KIND_WORDS[entry.kind], PRESENCE_WORDS[entry.presence])))
    return tuple(filter(None, (what, one_line(entry.url or ""), MAINTAINED_BY)))


def one_line(text: str) -> str:
    """Spaces for line breaks, tabs and control characters: some of the latter Exchange refuses, and nobody can read any."""
    return " ".join(_UNSEEN.sub(" ", text).split())


def shorten(text: str, limit: int) -> str:
    """At most `limit` UTF-16 code units, as both services count; a shortened text ends in an ellipsis.

    No character is cut in two, and none is left without the accents or joiners that follow it.
    """
    if _units(text) <= limit:
        return text
    kept = min(len(text), limit - 1)
    used = _units(text[:kept])
    while used > limit - 1 or (kept and _continues(text, kept)):
        kept -= 1
        used -= _units(text[kept])
    return text[:kept].rstrip() + "…"


def _units(text: str) -> int:
    return len(text) + sum(character > "\uffff" for character in text)


def _continues(text: str, position: int) -> bool:
    """Whether the character at `position` belongs to the one before it."""
    if position >= len(text):
        return False
    return _joins(text[position]) or text[position - 1] == "\u200d"


def _joins(character: str) -> bool:
    return character in "\u200d\ufe0f\ufe0e" or unicodedata.combining(character) != 0 or "\U0001f3fb" <= character <= "\U0001f3ff"
