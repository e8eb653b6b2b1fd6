"""One neutral view of the events of both services, for tests, the demo and the pages."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from infra.sandbox.config import GOOGLE
from infra.sandbox.mailboxes import Mailbox, StoredEvent
from infra.sandbox.microsoft.zones import zone_of

__all__ = ["EventView", "standing_views", "view"]

_LINK = re.compile(r"https?://[^\s<>\"']+")


class EventView(msgspec.Struct, frozen=True, kw_only=True):
    """`start_utc`/`end_utc`: instants. `start_local`/`end_local`: wall times in `time_zone`, the name that the client gave. `mark`: the
    private properties by name. `url`: the source's link, or the first one in the description. `raw`: the service's own resource."""

    id: str
    title: str
    start_utc: datetime
    end_utc: datetime
    start_local: datetime
    end_local: datetime
    time_zone: str
    location: str
    description: str
    url: str | None
    mark: Mapping[str, str]
    status: str
    calendar: str
    created_seq: int
    updated_seq: int
    raw: Mapping[str, Any]


def standing_views(mailbox: Mailbox) -> list[EventView]:
    """What stands on the person's calendars, in order of time."""
    events = sorted(mailbox.standing(), key=lambda event: (event.start, event.id))
    return [view(mailbox.service, event) for event in events]


def view(service: str, event: StoredEvent) -> EventView:
    raw = event.raw
    if service == GOOGLE:
        title, description = raw.get("summary", ""), raw.get("description", "")
        location, zone_name = raw.get("location", ""), raw["start"].get("timeZone", "UTC")
        url, status = raw.get("source", {}).get("url"), raw["status"]
    else:
        title, description = raw["subject"], raw["body"]["content"]
        location, zone_name = raw["location"].get("displayName", ""), raw["originalStartTimeZone"]
        url, status = None, "confirmed"
    link = _LINK.search(description)
    zone = zone_of(zone_name)
    return EventView(
        id=event.id,
        title=title,
        start_utc=event.start.astimezone(UTC),
        end_utc=event.end.astimezone(UTC),
        start_local=event.start.astimezone(zone).replace(tzinfo=None),
        end_local=event.end.astimezone(zone).replace(tzinfo=None),
        time_zone=zone_name,
        location=location,
        description=description,
        url=url or (link[0] if link else None),
        mark=event.private,
        status=status,
        calendar=event.calendar,
        created_seq=event.created_seq,
        updated_seq=event.updated_seq,
        raw=raw,
    )
