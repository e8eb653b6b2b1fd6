"""A class's facts in words."""

from collections.abc import Mapping
from typing import Final

from adapters.read_model.views import BookedStatus, ClassCard

__all__ = ["BOOKED_WORDS", "when_words"]

BOOKED_WORDS: Final[Mapping[BookedStatus, str]] = {
    BookedStatus.BOOKED: "Booked",
    BookedStatus.NOT_BOOKED: "Not booked",
    BookedStatus.CANCELLED: "Cancelled",
}


def when_words(card: ClassCard) -> str:
    """`Monday, 11 October 2021, 09:30 - 10:30`, in the class's wall time."""
    start, end = card.starts_at, card.ends_at
    day = f"{start:%A}, {start.day} {start:%B} {start.year}"
    if start.date() == end.date():
        return f"{day}, {start:%H:%M} \u2013 {end:%H:%M}"
    return f"{day}, {start:%H:%M} \u2013 {end:%A}, {end.day} {end:%B}, {end:%H:%M}"
