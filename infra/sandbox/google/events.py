"""Calendar v3 events of one user's primary calendar: insert, get, patch, update, delete.

All work on the mailbox at once, without awaiting, and raise Refusal.
"""

import secrets
from collections.abc import Mapping
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

from infra.sandbox.google.errors import refuse
from infra.sandbox.google.rules import check_body, check_id, trim_properties
from infra.sandbox.google.times import read_span
from infra.sandbox.mailboxes import Mailbox, StoredEvent
from infra.sandbox.world import World

__all__ = ["GoogleEvents", "millis"]

#: What a client may send but Google sets itself (the reference marks them read-only), so it is left out of what is kept.
_READ_ONLY = frozenset(
    [
        "kind",
        "etag",
        "htmlLink",
        "created",
        "updated",
        "creator",
        "organizer",
        "hangoutLink",
        "recurringEventId",
        "locked",
        "attendeesOmitted",
        "iCalUID",
        "eventType",
        "sequence",
        "privateCopy",
        "originalStartTime",
    ]
)


class GoogleEvents:
    """`if_match`: the If-Match header, None when absent."""

    def __init__(self, world: World, mailbox: Mailbox) -> None:
        self._world, self._mailbox = world, mailbox

    def insert(self, body: Mapping[str, Any]) -> StoredEvent:
        given = without_nulls(body)
        check_body(given)
        event_id = given.get("id", secrets.token_hex(13))
        check_id(event_id)
        if self._mailbox.find(event_id) is not None:
            # Also when that event was deleted since: googleapis/google-api-ruby-client#1811, google-api-python-client#846.
            raise refuse(409, "duplicate", event_id=event_id)
        now = self._world.clock.now()
        kept = {name: value for name, value in given.items() if name not in _READ_ONLY}
        kept |= {"id": event_id, "created": millis(now), "iCalUID": f"{event_id}@google.com", "sequence": 0}
        event = self._keep(kept, None, now)
        self._world.add_event(self._mailbox, event)
        return event

    def get(self, id: str) -> StoredEvent:
        """Also a deleted event (status `cancelled`): the reference says that get always returns them."""
        event = self._mailbox.find(id)
        if event is None:
            raise refuse(404, "notFound", event_id=id)
        return event

    def patch(self, id: str, body: Mapping[str, Any], if_match: str | None) -> StoredEvent:
        """Patch semantics: what is named changes, null deletes, arrays are replaced.

        A deleted event takes a patch and stays deleted, unless the patch sets `status`: the reference says of cancelled events on the
        organizer's calendar that their details are kept so that they can be restored.
        """
        event = self._matching(id, if_match)
        now = self._world.clock.now()
        merged = merge(event.raw, {name: value for name, value in body.items() if name not in _READ_ONLY | {"id"}})
        return self._keep(merged, event, now)

    def update(self, id: str, body: Mapping[str, Any], if_match: str | None) -> StoredEvent:
        """The whole event is replaced.

        A deleted one is refused with 403 unless the body sets a status that brings it back: an update that only carried the event was
        answered so in googleapis/google-api-ruby-client#1811 and google-api-python-client#846.
        """
        event = self._matching(id, if_match)
        given = without_nulls(body)
        if not event.standing and given.get("status") not in ("confirmed", "tentative"):
            raise refuse(403, "forbidden", event_id=id)
        kept = {name: value for name, value in given.items() if name not in _READ_ONLY}
        kept |= {name: event.raw[name] for name in ("id", "created", "iCalUID", "sequence")}
        return self._keep(kept, event, self._world.clock.now())

    def delete(self, id: str, if_match: str | None) -> StoredEvent:
        event = self._matching(id, if_match)
        if not event.standing:
            raise refuse(410, "deleted", event_id=id)
        now = self._world.clock.now()
        event.raw |= {"status": "cancelled", "updated": millis(now)}
        event.raw["etag"] = _new_etag()
        event.standing = False
        event.updated_seq = self._world.mailboxes.next_seq()
        return event

    def _matching(self, id: str, if_match: str | None) -> StoredEvent:
        event = self.get(id)
        if if_match not in (None, "*", event.raw["etag"]):
            raise refuse(412, "conditionNotMet", location=("header", "If-Match"), event_id=id)
        return event

    def _keep(self, raw: dict[str, Any], event: StoredEvent | None, now: datetime) -> StoredEvent:
        """Check the whole event as it would stand, then keep it: nothing of a refused change is kept."""
        check_body(raw)
        span = read_span(raw)
        trim_properties(raw)
        raw.setdefault("status", "confirmed")
        raw.setdefault("reminders", {"useDefault": True})
        if event is not None and (event.start, event.end) != (span.start, span.end):
            raw["sequence"] += 1
        raw |= {"kind": "calendar#event", "eventType": "default", "updated": millis(now)}
        raw |= {"start": dict(span.start_shown), "end": dict(span.end_shown)}
        person = {"email": self._mailbox.email, "self": True}
        raw |= {"creator": person, "organizer": person}
        raw["htmlLink"] = f"https://www.google.com/calendar/event?eid={raw['id'][:1024]}"
        raw["etag"] = _new_etag()
        return self._store(raw, event, span.start, span.end)

    def _store(self, raw: dict[str, Any], event: StoredEvent | None, start: datetime, end: datetime) -> StoredEvent:
        seq = self._world.mailboxes.next_seq()
        private = raw.get("extendedProperties", {}).get("private", {})
        standing = raw["status"] != "cancelled"
        if event is None:
            return StoredEvent(
                id=raw["id"],
                alias=raw["id"],
                raw=raw,
                start=start,
                end=end,
                private=private,
                created_seq=seq,
                updated_seq=seq,
                standing=standing,
            )
        event.raw, event.start, event.end, event.private = raw, start, end, private
        event.updated_seq, event.standing = seq, standing
        return event


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_nulls(part) for name, part in value.items() if part is not None}
    if isinstance(value, list):
        return [without_nulls(part) for part in value]
    return value


def merge(kept: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(kept)
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, dict) and isinstance(result.get(name), dict):
            result[name] = merge(result[name], value)
        else:
            result[name] = without_nulls(deepcopy(value))
    return result


def millis(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _new_etag() -> str:
    """Quoted, as Google's are; another one for every change."""
    return f'"{secrets.randbits(53)}"'
