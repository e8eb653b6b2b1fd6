"""CalendarEntry and EventMark to the body of a Google Calendar event, and the mark read back.

Shapes: the `Event` schema of the calendar v3 discovery document, and Google's guide on extended properties (a name has at most 44
characters, a value 1024).
"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from adapters.ports import EventMark, RemoteEvent
from adapters.wording import description_lines, one_line, shorten, title_of
from schemas.intents import CalendarEntry
from schemas.wall_time import instants

__all__ = ["EventBody", "create_body", "event_id", "is_made_by", "is_standing", "key_filter", "remote_event", "update_body"]

EventBody = dict[str, Any]

#: Google documents no limit for `summary` and `location`; 8192 characters for a description is what integrators report as accepted.
#: Longer texts are shortened by us, so that a class is never a dead letter for its title.
TITLE_LIMIT = 1024
LOCATION_LIMIT = 1024
DESCRIPTION_LIMIT = 8192

#: Google refuses an empty time range (`timeRangeEmpty`); the booking system may publish one.
SHORTEST = timedelta(minutes=1)

#: The private mark. FIRST is what the event was created as (entry and revision); updates leave it, so that a repeated create is known.
KEY, CLASS, REVISION, GENERATION, FIRST = "impactKey", "impactClass", "impactRevision", "impactGeneration", "impactRevisionFirst"
CANCELLED = "cancelled"

#: What Google is sure to take as an address; any other link still stands in the description.
_PLAIN_URL = re.compile(r"https://[A-Za-z0-9.-]+(:[0-9]{1,5})?([/?#][A-Za-z0-9._~:/?#@!$&'()*+,;=%\[\]-]{0,2000})?")


def event_id(mark: EventMark) -> str:
    """The event id that we choose: a digest of provider, class and generation in base32hex (`0-9a-v`), 52 characters.

    A deleted event's id cannot be inserted again: hence the generation.
    """
    return base64.b32hexencode(_digest(mark.provider_id, mark.class_id, mark.generation)).decode().rstrip("=").lower()


def key_filter(mark: EventMark) -> str:
    """The `privateExtendedProperty` constraint that finds every generation of this provider and class.

    One constraint only: Google's pages disagree on whether several of them are joined by AND or by OR.
    """
    return f"{KEY}={_key(mark)}"


def create_body(entry: CalendarEntry, mark: EventMark) -> EventBody:
    """The whole event. No attendees, so nobody is invited; reminders and colour are the calendar's defaults."""
    return {
        "id": event_id(mark),
        **{name: value for name, value in _owned(entry, mark).items() if value is not None},
        "extendedProperties": {"private": {**_mark(mark), FIRST: _first(entry, mark)}},
        **_times(entry),
        # Given once, never overwritten: whether a class blocks the provider's time is for them to change.
        "transparency": "opaque",
    }


def update_body(entry: CalendarEntry, mark: EventMark) -> EventBody:
    """A JSON merge patch of what this product owns; null takes a field away.

    `status` is never in it, since `confirmed` would bring a deleted event back. `date` is null, since an event that was dragged to
    "all day" has one, and Google refuses a start that has both.
    """
    return {**_owned(entry, mark), **{name: {**time, "date": None} for name, time in _times(entry).items()}}


def is_standing(event: Mapping[str, Any]) -> bool:
    return event.get("status") != CANCELLED


def is_made_by(event: Mapping[str, Any], entry: CalendarEntry, mark: EventMark) -> bool:
    """Whether `create(entry, mark)` made this event, whatever was changed since."""
    return remote_event(event, mark) is not None and _private(event).get(FIRST) == _first(entry, mark)


def remote_event(event: Mapping[str, Any], mark: EventMark) -> RemoteEvent | None:
    """The event as the port gives it; None unless it stands and carries the mark of this provider, class and generation."""
    private = _private(event)
    revision, remote_id = private.get(REVISION, ""), event.get("id")
    ours = private.get(KEY) == _key(mark) and private.get(GENERATION) == str(mark.generation)
    if not (is_standing(event) and ours and revision.isdecimal() and isinstance(remote_id, str)):
        return None
    return RemoteEvent(remote_id=remote_id, revision=int(revision), generation=mark.generation)


def _owned(entry: CalendarEntry, mark: EventMark) -> EventBody:
    title = shorten(title_of(entry), TITLE_LIMIT)
    return {
        "summary": title,
        "location": shorten(one_line(entry.location), LOCATION_LIMIT),
        "description": _description(entry),
        "source": {"title": title, "url": entry.url} if entry.url is not None and _PLAIN_URL.fullmatch(entry.url) else None,
        "extendedProperties": {"private": _mark(mark)},
    }


def _description(entry: CalendarEntry) -> str:
    """Google shows a description as HTML; without angle brackets nothing in it can become a tag."""
    *lines, last = description_lines(entry)
    text = "\n".join(lines).replace("<", "&lt;").replace(">", "&gt;")
    return shorten(text, DESCRIPTION_LIMIT - len(last) - 1) + "\n" + last


def _times(entry: CalendarEntry) -> dict[str, dict[str, str]]:
    """The instants are ours to decide (a wall time that happens twice, or never); the zone is what Google shows them in."""
    start, end = instants(entry.starts_at, entry.ends_at, entry.time_zone)
    return {"start": _time(start, entry.time_zone), "end": _time(max(end, start + SHORTEST), entry.time_zone)}


def _time(instant: datetime, time_zone: str) -> dict[str, str]:
    return {"dateTime": f"{instant.replace(tzinfo=None).isoformat(timespec='seconds')}Z", "timeZone": time_zone}


def _mark(mark: EventMark) -> dict[str, str]:
    return {KEY: _key(mark), CLASS: mark.class_id, REVISION: str(mark.revision), GENERATION: str(mark.generation)}


def _first(entry: CalendarEntry, mark: EventMark) -> str:
    return _digest(mark.revision, msgspec.json.encode(entry).decode()).hex()


def _key(mark: EventMark) -> str:
    return _digest(mark.provider_id, mark.class_id).hex()


def _digest(*parts: str | int) -> bytes:
    """JSON keeps the parts apart: ("a", "bc") and ("ab", "c") differ."""
    return hashlib.sha256(json.dumps(parts).encode()).digest()


def _private(event: Mapping[str, Any]) -> Mapping[str, str]:
    properties = event.get("extendedProperties")
    private = properties.get("private") if isinstance(properties, dict) else None
    return {name: value for name, value in private.items() if isinstance(value, str)} if isinstance(private, dict) else {}
