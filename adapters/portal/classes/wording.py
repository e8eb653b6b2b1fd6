"""A class's facts in words."""

from collections.abc import Mapping
from typing import Final

from adapters.read_model.views import BookedStatus, ClassCard
from schemas.events import Kind, Presence

__all__ = ["BOOKED_WORDS", "KIND_WORDS", "PRESENCE_WORDS", "when_words"]

PRESENCE_WORDS: Final[Mapping[Presence, str]] = {
    Presence.IN_PERSON: "In person",
    Presence.ONLINE: "Online",
    Presence.HYBRID: "In person and online",
}
BOOKED_WORDS: Final[Mapping[BookedStatus, str]] = {
    BookedStatus.BOOKED: "Booked",
    BookedStatus.NOT_BOOKED: "Not booked",
    BookedStatus.CANCELLED: "Cancelled",
}
KIND_WORDS: Final[Mapping[Kind, str]] = {Kind.CLASS: "Class", Kind.APPOINTMENT: "Appointment"}


def when_words(card: ClassCard) -> str:
    """`Monday, 11 October 2021, 09:30 - 10:30`, in the class's wall time."""
    start, end = card.starts_at, card.ends_at
    day = f"{start:%A}, {start.day} {start:%B} {start.year}"
    if start.date() == end.date():
        return f"{day}, {start:%H:%M} \u2013 {end:%H:%M}"
    return f"{day}, {start:%H:%M} \u2013 {end:%A}, {end.day} {end:%B}, {end:%H:%M}"
