"""events.list: filters, order and pages."""

from typing import Any

from infra.sandbox.google.errors import refuse
from infra.sandbox.google.events import millis
from infra.sandbox.google.parameters import Parameters
from infra.sandbox.google.times import CALENDAR_ZONE, read_instant
from infra.sandbox.mailboxes import PRIMARY, Mailbox, StoredEvent
from infra.sandbox.world import World

__all__ = ["list_events"]

_MOST = 2500


def list_events(world: World, mailbox: Mailbox, parameters: Parameters) -> dict[str, Any]:
    """The `Events` resource. Raises Refusal. No sync token is handed out, so each that comes has expired (410)."""
    if parameters.text("syncToken") is not None:
        raise refuse(410, "fullSyncRequired", "Sync token is no longer valid, a full sync is required.")
    found = [event for event in mailbox.events.values() if event.calendar == PRIMARY]
    if not parameters.flag("showDeleted"):
        found = [event for event in found if event.standing]
    found = _ordered(_matching(found, parameters), parameters)
    first = _first(parameters.text("pageToken"))
    size = min(parameters.number("maxResults", 250), _MOST)
    page = found[first : first + size]
    answer: dict[str, Any] = {
        "kind": "calendar#events",
        "etag": f'"p{len(found)}"',
        "summary": mailbox.email,
        "updated": millis(world.clock.now()),
        "timeZone": CALENDAR_ZONE,
        "accessRole": "owner",
        "defaultReminders": [],
        "items": [event.raw for event in page],
    }
    if first + size < len(found):
        answer["nextPageToken"] = f"page-{first + size}"
    return answer


def _matching(found: list[StoredEvent], parameters: Parameters) -> list[StoredEvent]:
    for kind, name in (("private", "privateExtendedProperty"), ("shared", "sharedExtendedProperty")):
        for constraint in parameters.texts(name):
            key, equals, value = constraint.partition("=")
            if not equals:
                raise refuse(400, "badRequest", "Bad Request", location=("parameter", name))
            found = [event for event in found if _property(event, kind, key) == value]
    if (text := parameters.text("timeMin")) is not None:
        lower = read_instant(text, "timeMin")
        found = [event for event in found if event.end > lower]
    if (text := parameters.text("timeMax")) is not None:
        upper = read_instant(text, "timeMax")
        found = [event for event in found if event.start < upper]
    if (text := parameters.text("updatedMin")) is not None:
        since = millis(read_instant(text, "updatedMin"))
        found = [event for event in found if event.raw["updated"] >= since]
    if (uid := parameters.text("iCalUID")) is not None:
        found = [event for event in found if event.raw["iCalUID"] == uid]
    if (words := parameters.text("q")) is not None:
        found = [event for event in found if _mentions(event, words)]
    return found


def _property(event: StoredEvent, kind: str, key: str) -> str | None:
    value: str | None = event.raw.get("extendedProperties", {}).get(kind, {}).get(key)
    return value


def _mentions(event: StoredEvent, words: str) -> bool:
    text = " ".join(str(event.raw.get(name, "")) for name in ("summary", "description", "location"))
    return words.lower() in text.lower()


def _ordered(found: list[StoredEvent], parameters: Parameters) -> list[StoredEvent]:
    match parameters.text("orderBy"):
        case None:
            return found
        case "updated":
            return sorted(found, key=lambda event: event.updated_seq)
        case _:
            if not parameters.flag("singleEvents"):
                message = "The requested ordering is not available for the particular query."
                raise refuse(400, "badRequest", message, location=("parameter", "orderBy"))
            return sorted(found, key=lambda event: event.start)


def _first(token: str | None) -> int:
    if token is None:
        return 0
    _, _, number = token.partition("page-")
    if not number.isdecimal():
        raise refuse(400, "invalid", "Invalid page token value.", location=("parameter", "pageToken"))
    return int(number)
