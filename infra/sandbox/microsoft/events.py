"""Graph events of one user's mailbox: create, get, patch, delete.

All work on the mailbox at once, without awaiting, and raise Refusal.
"""

import base64
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from infra.sandbox.mailboxes import Mailbox, StoredEvent
from infra.sandbox.microsoft.errors import not_found, refuse
from infra.sandbox.microsoft.model import Wrong, check_event
from infra.sandbox.microsoft.properties import merge_properties, names
from infra.sandbox.microsoft.times import Moment, read_moment
from infra.sandbox.world import World

__all__ = ["IMMUTABLE", "MUTABLE", "GraphEvents", "new_id", "ticks"]

#: How an immutable id begins, and one that changes when the event moves.
IMMUTABLE, MUTABLE = "AAkA", "AAMk"

#: What a client may send but the service sets itself.
_READ_ONLY = frozenset(
    [
        "id",
        "createdDateTime",
        "lastModifiedDateTime",
        "changeKey",
        "bodyPreview",
        "iCalUId",
        "webLink",
        "isCancelled",
        "isOrganizer",
        "organizer",
        "originalStart",
        "originalStartTimeZone",
        "originalEndTimeZone",
        "seriesMasterId",
        "type",
        "hasAttachments",
        "onlineMeeting",
        "onlineMeetingUrl",
        "responseStatus",
        "calendar",
        "instances",
        "extensions",
        "attachments",
        "cancelledOccurrences",
        "exceptionOccurrences",
        "isDraft",
    ]
)
_DEFAULTS: Mapping[str, Any] = {
    "subject": "",
    "importance": "normal",
    "sensitivity": "normal",
    "isAllDay": False,
    "showAs": "busy",
    "isReminderOn": True,
    "reminderMinutesBeforeStart": 15,
    "responseRequested": True,
    "allowNewTimeProposals": True,
    "hideAttendees": False,
    "isOnlineMeeting": False,
    "onlineMeetingProvider": "unknown",
    "categories": [],
    "attendees": [],
    "recurrence": None,
    "transactionId": None,
}


class GraphEvents:
    def __init__(self, world: World, mailbox: Mailbox) -> None:
        self._world, self._mailbox = world, mailbox

    def create(self, body: Mapping[str, Any], *, unseen: bool = False) -> StoredEvent:
        """Idempotent by `transactionId` for the identical body.

        Another body under the same id, or an event of it that is gone, is `ErrorDuplicateTransactionId`; its status is 400 or 409 in
        the wild, 409 here. `unseen`: the call lost the race, and does not see that its transactionId was used meanwhile.
        """
        _check(body)
        transaction, frozen = body.get("transactionId"), msgspec.json.encode(body, order="deterministic")
        if transaction in self._mailbox.transactions and not unseen:
            return self._repeat(transaction, frozen)
        now = self._world.clock.now()
        event = self._new(body, now)
        if transaction is not None:
            self._mailbox.transactions[transaction] = (frozen, event.id)
        self._world.add_event(self._mailbox, event)
        return event

    def get(self, id: str) -> StoredEvent:
        event = self._mailbox.find(id)
        if event is None:
            if not id.startswith((IMMUTABLE, MUTABLE)):
                raise refuse(400, "ErrorInvalidIdMalformed", event_id=id)
            raise not_found(id)
        return event

    def patch(self, id: str, body: Mapping[str, Any]) -> StoredEvent:
        """What is named changes; `location`, `body` and the like are replaced whole. The transactionId of an event never changes."""
        event = self.get(id)
        _check(body)
        if body.get("transactionId") not in (None, event.raw["transactionId"]):
            raise refuse(400, "ErrorInvalidPropertySet", "Set action is invalid for property.", event_id=event.id)
        start = read_moment(body["start"]) if body.get("start") else Moment(instant=event.start, zone=_zone(event, "Start"))
        end = read_moment(body["end"]) if body.get("end") else Moment(instant=event.end, zone=_zone(event, "End"))
        given = {name: value for name, value in body.items() if name != "transactionId"}
        raw = self._raw(event.raw, given, start, end, self._world.clock.now())
        event.raw, event.start, event.end = raw, start.instant, end.instant
        event.private = names(raw["singleValueExtendedProperties"])
        event.updated_seq = self._world.mailboxes.next_seq()
        return event

    def delete(self, id: str) -> StoredEvent:
        """To the deleted items: Graph does not find it any more."""
        event = self.get(id)
        event.standing = False
        self._mailbox.remove(event)
        self._world.mailboxes.next_seq()
        return event

    def _repeat(self, transaction: str, frozen: bytes) -> StoredEvent:
        first, event_id = self._mailbox.transactions[transaction]
        event = self._mailbox.find(event_id)
        if first != frozen or event is None:
            raise refuse(409, "ErrorDuplicateTransactionId", event_id=event_id)
        return event

    def _new(self, body: Mapping[str, Any], now: datetime) -> StoredEvent:
        start, end = _times(body, now)
        fresh = {**_DEFAULTS, "createdDateTime": ticks(now), "iCalUId": secrets.token_hex(56).upper()}
        fresh |= {"body": {"contentType": "text", "content": ""}, "location": {"displayName": ""}}
        fresh["singleValueExtendedProperties"] = []
        raw = self._raw(fresh, body, start, end, now)
        seq = self._world.mailboxes.next_seq()
        return StoredEvent(
            id=new_id(IMMUTABLE),
            alias=new_id(MUTABLE),
            raw=raw,
            start=start.instant,
            end=end.instant,
            private=names(raw["singleValueExtendedProperties"]),
            created_seq=seq,
            updated_seq=seq,
        )

    def _raw(self, kept: Mapping[str, Any], given: Mapping[str, Any], start: Moment, end: Moment, now: datetime) -> dict[str, Any]:
        """The event as it would stand; `start` and `end` are kept beside it. Raises Refusal."""
        raw = dict(kept)
        for name, value in given.items():
            if "@" in name or name in _READ_ONLY or name in ("start", "end", "singleValueExtendedProperties"):
                continue
            raw[name] = _DEFAULTS.get(name) if value is None else value
        _complete(raw)
        _check_times(start, end, all_day=bool(raw["isAllDay"]))
        raw["singleValueExtendedProperties"] = merge_properties(
            kept["singleValueExtendedProperties"], given.get("singleValueExtendedProperties")
        )
        raw |= {"originalStartTimeZone": start.zone, "originalEndTimeZone": end.zone}
        raw |= {"lastModifiedDateTime": ticks(now), "changeKey": base64.b64encode(secrets.token_bytes(16)).decode()}
        return raw


def _complete(raw: dict[str, Any]) -> None:
    """A body and a location always stand in an answer, whatever was given of them."""
    body, location = raw.get("body") or {}, raw.get("location") or {}
    raw["body"] = {"contentType": (body.get("contentType") or "text").lower(), "content": body.get("content") or ""}
    raw["location"] = {**location, "displayName": location.get("displayName") or ""}


def _check(body: Mapping[str, Any]) -> None:
    try:
        check_event(body)
    except Wrong as wrong:
        raise refuse(400, "RequestBodyRead", str(wrong)) from None


def _check_times(start: Moment, end: Moment, *, all_day: bool) -> None:
    """Raises Refusal, with no word about which property (microsoft-graph-docs#7919).

    The reference of the event resource: an all-day event begins and ends at midnight, both in the same time zone.
    """
    midnights = start.is_midnight and end.is_midnight and start.zone == end.zone and end.instant > start.instant
    if end.instant < start.instant or (all_day and not midnights):
        raise refuse(400, "ErrorPropertyValidationFailure")


def _times(body: Mapping[str, Any], now: datetime) -> tuple[Moment, Moment]:
    """Graph does not ask for `start` and `end`: an event without them begins now, for half an hour."""
    if body.get("start"):
        start = read_moment(body["start"])
    else:
        start = Moment(instant=now.astimezone(UTC).replace(second=0, microsecond=0), zone="UTC")
    if body.get("end"):
        return start, read_moment(body["end"])
    return start, Moment(instant=start.instant + timedelta(minutes=30), zone=start.zone)


def _zone(event: StoredEvent, which: str) -> str:
    name: str = event.raw[f"original{which}TimeZone"]
    return name


def new_id(prefix: str) -> str:
    """Base64url of a length like Graph's; the two kinds are told apart by how they begin."""
    return prefix + secrets.token_urlsafe(84 if prefix == IMMUTABLE else 110).rstrip("-_") + "="


def ticks(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"
