"""CalendarEntry and EventMark to msgraph-sdk's Event model.

Shapes: the `event` and `singleValueLegacyExtendedProperty` resources of Graph v1.0. Extended properties, and not open extensions, since
with those a create can fail after the event was made. Everything is derived, so the same entry and mark give the same bytes.
"""

import hashlib
import json
from uuid import UUID, uuid5

import msgspec
from msgraph.generated.models.body_type import BodyType
from msgraph.generated.models.date_time_time_zone import DateTimeTimeZone
from msgraph.generated.models.event import Event
from msgraph.generated.models.free_busy_status import FreeBusyStatus
from msgraph.generated.models.item_body import ItemBody
from msgraph.generated.models.location import Location
from msgraph.generated.models.single_value_legacy_extended_property import SingleValueLegacyExtendedProperty

from adapters.microsoft.plain_store import PlainStore
from adapters.microsoft.zones import graph_times
from adapters.ports import EventMark
from adapters.wording import description_lines, one_line, shorten, title_of
from schemas.intents import CalendarEntry

__all__ = ["CLASS", "CONTENT", "GENERATION", "KEY", "REVISION", "content_digest", "create_event", "key", "transaction_id", "update_event"]

#: Outlook keeps at most 255 characters of a subject and of a place. Longer texts are shortened by us, not refused by Graph.
SUBJECT_LIMIT = 255
LOCATION_LIMIT = 255
BODY_LIMIT = 8192

_TRANSACTIONS = UUID("707cee80-233d-40a1-bfe1-7ab8c8edabff")
_PROPERTY_SET = "e34341d9-a531-4695-8863-ab01e8198dff"


def _property_id(name: str) -> str:
    return f"String {{{_PROPERTY_SET}}} Name {name}"


KEY = _property_id("ImpactFeedbackKey")
CLASS = _property_id("ImpactFeedbackClass")
REVISION = _property_id("ImpactFeedbackRevision")
GENERATION = _property_id("ImpactFeedbackGeneration")
CONTENT = _property_id("ImpactFeedbackContent")


def create_event(entry: CalendarEntry, mark: EventMark) -> Event:
    """The whole event. No attendees, so nobody is invited; the reminder is the calendar's default."""
    event = _owned(entry, mark)
    event.transaction_id = transaction_id(mark)
    # Given once, never overwritten: whether a class blocks the provider's time is for them to change.
    event.show_as = FreeBusyStatus.Busy
    return event


def update_event(entry: CalendarEntry, mark: EventMark) -> Event:
    """A patch of what this product owns."""
    event = _owned(entry, mark)
    # Graph refuses times of day for an event that was dragged to "all day".
    event.is_all_day = False
    return event


def transaction_id(mark: EventMark) -> str:
    """By it Graph knows a create that is sent again (`event.transactionId`). Another grant may be another mailbox: hence `grant_id`."""
    return str(uuid5(_TRANSACTIONS, json.dumps([mark.grant_id, mark.class_id, mark.generation, mark.revision])))


def key(mark: EventMark) -> str:
    """Finds every generation of this provider and class. Hexadecimal, so that it needs no quoting in a filter."""
    return hashlib.sha256(json.dumps([mark.provider_id, mark.class_id]).encode()).hexdigest()


def content_digest(entry: CalendarEntry) -> str:
    """Tells whether an event was made from this entry, without reading the event's texts."""
    return hashlib.sha256(msgspec.json.encode(entry)).hexdigest()


def _owned(entry: CalendarEntry, mark: EventMark) -> Event:
    times = graph_times(entry.starts_at, entry.ends_at, entry.time_zone)
    return Event(
        backing_store=PlainStore(),
        subject=shorten(title_of(entry), SUBJECT_LIMIT),
        body=ItemBody(backing_store=PlainStore(), content=_text(entry), content_type=BodyType.Text),
        location=Location(backing_store=PlainStore(), display_name=shorten(one_line(entry.location), LOCATION_LIMIT)),
        start=DateTimeTimeZone(backing_store=PlainStore(), date_time=times.start, time_zone=times.zone),
        end=DateTimeTimeZone(backing_store=PlainStore(), date_time=times.end, time_zone=times.zone),
        single_value_extended_properties=[
            _property(KEY, key(mark)),
            _property(CLASS, mark.class_id),
            _property(REVISION, str(mark.revision)),
            _property(GENERATION, str(mark.generation)),
            _property(CONTENT, content_digest(entry)),
        ],
    )


def _text(entry: CalendarEntry) -> str:
    *lines, last = description_lines(entry)
    return shorten("\n".join(lines), BODY_LIMIT - len(last) - 1) + "\n" + last


def _property(name: str, value: str) -> SingleValueLegacyExtendedProperty:
    return SingleValueLegacyExtendedProperty(backing_store=PlainStore(), id=name, value=value)
