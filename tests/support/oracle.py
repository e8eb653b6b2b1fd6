"""What must stand on whose calendar at the end, worked out from the published lines alone.

Written apart from the product, of which it imports nothing, and in another way: it folds nothing. For each field it asks which accepted
event was the last to write it, for each student which was the last to speak of that student, and for each wall time which instants show it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.support.oracle_contract import Event, RawLine, read

__all__ = ["Standing", "instant", "what_must_stand"]

_WHEN = ("starts_at", "ends_at", "time_zone")
_WHOLE = ("kind", "class_type", "title", *_WHEN, "location", "presence", "provider_ids")

#: What an event writes where its data has it; whatever else its data has is not for us.
_WRITES: Mapping[str, Sequence[str]] = {
    "class.scheduled": _WHOLE,
    "class.snapshotted": (*_WHOLE, "cancelled"),
    "class.rescheduled": _WHEN,
    "class.relocated": ("location", "presence"),
    "class.reassigned": ("provider_ids",),
    "class.details_changed": ("title", "class_type", "url"),
    "class.cancelled": (),
    "roster.student_added": (),
    "roster.student_removed": (),
}


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One event on one calendar. `starts_at`, `ends_at`: instants, in UTC; the same one for a class published without a length."""

    title: str
    class_type: str
    kind: str
    location: str
    presence: str
    url: str | None
    starts_at: datetime
    ends_at: datetime
    time_zone: str


def what_must_stand(lines: Iterable[RawLine]) -> dict[tuple[str, str], Standing]:
    """(provider_id, class_id) -> what stands, from every line as published, bad and repeated ones too, in each class's order."""
    standing: dict[tuple[str, str], Standing] = {}
    for class_id, history in _accepted(lines).items():
        if _is_booked(history):
            for provider_id in set(_last(history, "provider_ids")):
                standing[provider_id, class_id] = _show(history)
    return standing


def _accepted(lines: Iterable[RawLine]) -> dict[str, dict[int, Event]]:
    """class_id -> version -> event, of those that came with a version above all before them."""
    accepted: dict[str, dict[int, Event]] = defaultdict(dict)
    for event in map(read, lines):
        if event is not None:
            history = accepted[event.data["class_id"]]
            if event.data["version"] > max(history, default=0):
                history[event.data["version"]] = event
    return accepted


def _written(event: Event) -> dict[str, Any]:
    written = {name: event.data[name] for name in _WRITES[event.type] if name in event.data}
    if event.type == "class.relocated" and written.get("presence") is None:
        written.pop("presence", None)
    if event.type in ("class.scheduled", "class.snapshotted"):
        written = {"cancelled": False, "url": event.data.get("url")} | written
    if event.type == "class.cancelled":
        written["cancelled"] = True
    return written


def _last(history: Mapping[int, Event], field: str) -> Any:
    return max((version, _written(event)[field]) for version, event in history.items() if field in _written(event))[1]


def _says(event: Event, student_id: str) -> bool | None:
    """Whether that student is on the roster, by this event alone; None when it says nothing of the student."""
    if event.type == "class.snapshotted":
        return student_id in event.data["student_ids"]
    if event.data.get("student_id") != student_id:
        return None
    return {"roster.student_added": True, "roster.student_removed": False}.get(event.type)


def _is_booked(history: Mapping[int, Event]) -> bool:
    if not any(event.type in ("class.scheduled", "class.snapshotted") for event in history.values()):
        return False
    if _last(history, "cancelled"):
        return False
    named = {event.data["student_id"] for event in history.values() if event.type == "roster.student_added"}
    named |= {student for event in history.values() if event.type == "class.snapshotted" for student in event.data["student_ids"]}
    spoken = ([(version, _says(event, student)) for version, event in history.items()] for student in named)
    return any(max((version, said) for version, said in words if said is not None)[1] for words in spoken)


def _show(history: Mapping[int, Event]) -> Standing:
    zone = _last(history, "time_zone")
    walls = [datetime.fromisoformat(_last(history, name)) for name in ("starts_at", "ends_at")]
    starts_at, ends_at = (instant(wall, zone) for wall in walls)
    if ends_at <= starts_at:  # the start was skipped and went to its end or past it: the class keeps its length
        ends_at = starts_at + (walls[1] - walls[0])
    names = ("title", "class_type", "kind", "location", "presence", "url")
    return Standing(**{name: _last(history, name) for name in names}, starts_at=starts_at, ends_at=ends_at, time_zone=zone)


def instant(wall: datetime, zone_name: str) -> datetime:
    """The first instant at which a clock in the zone shows `wall`.

    Where none does, the clock was put forward over it: what a clock would show that had not been.
    """
    zone, as_utc = ZoneInfo(zone_name), wall.replace(tzinfo=UTC)
    offset_before, offset_after = ((as_utc + timedelta(days=days)).astimezone(zone).utcoffset() for days in (-1, 1))
    assert offset_before is not None
    assert offset_after is not None
    candidates = sorted({as_utc - offset_before, as_utc - offset_after})
    shows = [candidate for candidate in candidates if candidate.astimezone(zone).replace(tzinfo=None) == wall]
    return shows[0] if shows else as_utc - offset_before
