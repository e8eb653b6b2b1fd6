"""GET /me/events: the default calendar's events, filtered, ordered and paged."""

from typing import Any

from yarl import URL

from infra.sandbox.mailboxes import PRIMARY, Mailbox, StoredEvent
from infra.sandbox.microsoft.query import Query
from infra.sandbox.microsoft.render import Preferences, render

__all__ = ["list_events"]


def list_events(mailbox: Mailbox, query: Query, preferences: Preferences, url: URL) -> dict[str, Any]:
    """The collection. Raises Refusal."""
    found = [event for event in mailbox.events.values() if event.standing and event.calendar == PRIMARY]
    found = [event for event in found if all(holds(event) for holds in query.conditions)]
    if query.order is not None:
        field, _, direction = query.order.partition(" ")
        found.sort(key=lambda event: _key(event, field), reverse=direction == "desc")
    page = found[query.skip : query.skip + query.top]
    answer: dict[str, Any] = {"@odata.context": f"https://graph.microsoft.com/v1.0/$metadata#users('{mailbox.email}')/events"}
    answer["value"] = [query.shape(event, render(mailbox, event, preferences)) for event in page]
    if query.skip + query.top < len(found):
        answer["@odata.nextLink"] = str(url.update_query({"$skip": str(query.skip + query.top)}))
    return answer


def _key(event: StoredEvent, field: str) -> str:
    if field == "start/dateTime":
        return event.start.isoformat()
    if field == "end/dateTime":
        return event.end.isoformat()
    key: str = event.raw[field]
    return key
