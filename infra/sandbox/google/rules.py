"""What Google refuses or trims of an event's body, beyond its schema."""

import re
from collections.abc import Mapping
from typing import Any

from infra.sandbox.google.discovery import checker
from infra.sandbox.google.errors import invalid, refuse, required

__all__ = ["check_body", "check_id", "trim_properties"]

#: developers.google.com/workspace/calendar/api/v3/reference/events: base32hex in lower case, 5 to 1024 characters.
_ID = re.compile(r"[a-v0-9]{5,1024}")
_STATUS = ("confirmed", "tentative", "cancelled")
_ENUMS = {
    "status": _STATUS,
    "transparency": ("opaque", "transparent"),
    "visibility": ("default", "public", "private", "confidential"),
}
_MAX_REMINDERS = 5
_MAX_REMINDER_MINUTES = 40320
_MAX_KEY, _MAX_VALUE, _MAX_PROPERTIES, _MAX_PROPERTY_BYTES = 44, 1024, 300, 32 * 1024


def check_id(id: str) -> None:
    if not _ID.fullmatch(id):
        raise invalid("Invalid resource id value.")


def check_body(event: Mapping[str, Any]) -> None:
    """Raises Refusal. `event`: the whole event as it would be kept, with its times still to be read."""
    problem = checker("Event")(event)
    if problem is not None:
        raise refuse(400, "badRequest", f"Invalid value for: event{problem}")
    for name, values in _ENUMS.items():
        if event.get(name) is not None and event[name] not in values:
            raise invalid(f"Invalid value for {name}: {str(event[name])[:40]!r}")
    color = event.get("colorId")
    if color is not None and color not in {str(number) for number in range(1, 12)}:
        raise invalid("Invalid colorId.")
    url = event.get("source", {}).get("url")
    if url is not None and not re.match(r"https?://.", url, re.IGNORECASE):
        raise invalid("Invalid source URL.")
    start = event.get("start", {})
    if event.get("recurrence") and not (start.get("date") or start.get("timeZone")):
        raise required("Missing time zone definition for start time.")
    _check_reminders(event.get("reminders", {}))
    for attendee in event.get("attendees", ()):
        if "@" not in attendee.get("email", ""):
            raise invalid("Invalid attendee email.")


def trim_properties(event: dict[str, Any]) -> None:
    """Google's limits for extended properties: keys over 44 characters are silently dropped, values over 1024 silently cut; more
    than 300 of them, or over 32 kB together, are refused (developers.google.com/workspace/calendar/api/guides/extended-properties)."""
    both = event.get("extendedProperties")
    if not both:
        return
    number = size = 0
    for kind in ("private", "shared"):
        if kind not in both:
            continue
        kept = {key: value[:_MAX_VALUE] for key, value in both[kind].items() if len(key) <= _MAX_KEY}
        both[kind] = kept
        number += len(kept)
        size += sum(len(key.encode()) + len(value.encode()) for key, value in kept.items())
    if number > _MAX_PROPERTIES or size > _MAX_PROPERTY_BYTES:
        raise invalid("The extended properties exceed their limits.")


def _check_reminders(reminders: Mapping[str, Any]) -> None:
    overrides = reminders.get("overrides", ())
    if reminders.get("useDefault") and overrides:
        message = "Cannot specify both default reminders and overrides at the same time."
        raise refuse(400, "cannotUseDefaultRemindersAndSpecifyOverride", message)
    if len(overrides) > _MAX_REMINDERS:
        raise invalid(f"There are more than {_MAX_REMINDERS} reminder overrides.")
    for reminder in overrides:
        if "method" not in reminder or "minutes" not in reminder:
            raise required("A reminder needs its method and minutes.")
        if reminder["method"] not in ("email", "popup"):
            raise invalid("Invalid reminder method.")
        if not 0 <= reminder["minutes"] <= _MAX_REMINDER_MINUTES:
            raise invalid("Invalid reminder minutes.")
