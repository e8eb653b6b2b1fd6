"""An event as Graph answers it: which id, which zone, which properties."""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from infra.sandbox.mailboxes import Mailbox, StoredEvent
from infra.sandbox.microsoft.times import shown_in

__all__ = ["Preferences", "id_of", "read_preferences", "render"]

_PREFER = re.compile(r'\s*([A-Za-z.-]+)\s*=\s*"?([^",]*)"?')


@dataclass(frozen=True, kw_only=True, slots=True)
class Preferences:
    """The Prefer header. Applied are: IdType="ImmutableId", outlook.timezone="...", outlook.body-content-type="text"."""

    immutable_ids: bool = False
    zone: str = "UTC"
    text_body: bool = False
    return_minimal: bool = False


def read_preferences(header: str | None) -> Preferences:
    if not header:
        return Preferences()
    said = {name.lower(): value for name, value in _PREFER.findall(header)}
    return Preferences(
        immutable_ids=said.get("idtype", "").lower() == "immutableid",
        zone=said.get("outlook.timezone", "UTC"),
        text_body=said.get("outlook.body-content-type", "").lower() == "text",
        return_minimal=said.get("return", "").lower() == "minimal",
    )


def id_of(event: StoredEvent, preferences: Preferences) -> str:
    return event.id if preferences.immutable_ids else event.alias


def render(mailbox: Mailbox, event: StoredEvent, preferences: Preferences) -> dict[str, Any]:
    """All properties but the extended ones, which are answered only when they are asked for. Raises Refusal."""
    raw, shown_id = event.raw, id_of(event, preferences)
    person = {"emailAddress": {"name": mailbox.email, "address": mailbox.email}}
    shown = {name: value for name, value in raw.items() if name != "singleValueExtendedProperties"}
    return {
        "@odata.etag": f'W/"{raw["changeKey"]}"',
        "id": shown_id,
        **shown,
        "body": _body(raw["body"], preferences),
        "bodyPreview": _plain(raw["body"])[:255],
        "start": shown_in(event.start, preferences.zone),
        "end": shown_in(event.end, preferences.zone),
        "location": {"locationType": "default", "uniqueIdType": "private", **raw["location"]},
        "locations": [raw["location"]] if raw["location"]["displayName"] else [],
        "hasAttachments": False,
        "isCancelled": False,
        "isOrganizer": True,
        "isDraft": False,
        "type": "seriesMaster" if raw["recurrence"] else "singleInstance",
        "seriesMasterId": None,
        "onlineMeeting": None,
        "onlineMeetingUrl": None,
        "organizer": person,
        "responseStatus": {"response": "organizer", "time": "0001-01-01T00:00:00Z"},
        "webLink": f"https://outlook.office365.com/owa/?itemid={quote(shown_id, safe='')}&exvsurl=1&path=/calendar/item",
    }


def _body(body: Mapping[str, str], preferences: Preferences) -> dict[str, str]:
    """HTML unless text was preferred, whatever it was when it came."""
    if preferences.text_body:
        return {"contentType": "text", "content": _plain(body)}
    if body["contentType"] == "html":
        return dict(body)
    text = html.escape(body["content"]).replace("\n", "<br>\r\n")
    return {"contentType": "html", "content": f'<html><body><div class="PlainText">{text}</div></body></html>'}


def _plain(body: Mapping[str, str]) -> str:
    if body["contentType"] == "text":
        return body["content"]
    return html.unescape(re.sub(r"<[^>]+>", "", body["content"]))
