"""Class cards with believable values, for tests that look at one thing."""

from datetime import datetime
from typing import Any

from adapters.read_model.views import BookedStatus, ClassCard, EntryMark, Mark
from schemas.events import Kind, Presence

__all__ = ["card", "mark"]


def mark(kind: Mark = Mark.SYNCED, provider_id: str = "ada", **more: Any) -> EntryMark:
    return EntryMark(provider_id=provider_id, mark=kind, **{"words": "It stands on the calendar.", **more})


def card(starts: str, ends: str, *, class_id: str = "c1", **more: Any) -> ClassCard:
    """`starts`, `ends`: ISO wall times."""
    known: dict[str, Any] = {
        "kind": Kind.CLASS,
        "class_type": "Yoga",
        "title": "Yoga for all",
        "time_zone": "Europe/Berlin",
        "location": "Room 1",
        "presence": Presence.IN_PERSON,
        "url": None,
        "status": BookedStatus.BOOKED,
        "student_count": 3,
        "provider_ids": ("ada",),
        "marks": (mark(),),
    }
    return ClassCard(class_id=class_id, starts_at=datetime.fromisoformat(starts), ends_at=datetime.fromisoformat(ends), **{**known, **more})
