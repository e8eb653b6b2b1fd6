"""`/calendar/v3/calendars/{calendarId}/events`: who is asking, what for, and the answer."""

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from infra.sandbox.answers import Answer, Refusal, json_answer
from infra.sandbox.config import GOOGLE
from infra.sandbox.gate import Call, pass_gate
from infra.sandbox.google.discovery import checker, method_scopes
from infra.sandbox.google.errors import error, fault_answer, refuse
from infra.sandbox.google.events import GoogleEvents
from infra.sandbox.google.listing import list_events
from infra.sandbox.google.parameters import Parameters, read_parameters
from infra.sandbox.grants import AccessToken
from infra.sandbox.mailboxes import Mailbox, StoredEvent
from infra.sandbox.world import WORLD, World

__all__ = ["routes"]

_COLLECTION = "/calendar/v3/calendars/{calendar}/events"
_ITEM = _COLLECTION + "/{event}"
#: Method of the discovery document -> the word of the journal and of the faults.
_OPERATION = {
    "insert": "create",
    "get": "get",
    "list": "list",
    "patch": "update",
    "update": "update",
    "delete": "delete",
}
_BEARER = "Bearer "


def routes() -> list[web.RouteDef]:
    return [
        web.post(_COLLECTION, _insert),
        web.get(_COLLECTION, _list, allow_head=False),
        web.get(_ITEM, _get, allow_head=False),
        web.patch(_ITEM, _patch),
        web.put(_ITEM, _update),
        web.delete(_ITEM, _delete),
    ]


async def _insert(request: web.Request) -> web.StreamResponse:
    return await _serve(request, "insert")


async def _list(request: web.Request) -> web.StreamResponse:
    return await _serve(request, "list")


async def _get(request: web.Request) -> web.StreamResponse:
    return await _serve(request, "get")


async def _patch(request: web.Request) -> web.StreamResponse:
    return await _serve(request, "patch")


async def _update(request: web.Request) -> web.StreamResponse:
    return await _serve(request, "update")


async def _delete(request: web.Request) -> web.StreamResponse:
    return await _serve(request, "delete")


async def _serve(request: web.Request, method: str) -> web.StreamResponse:
    world = request.app[WORLD]
    body = await request.read()
    header = request.headers.get("Authorization", "")
    token = world.grants[GOOGLE].access_token(header.removeprefix(_BEARER)) if header.startswith(_BEARER) else None
    mailbox = world.mailboxes.of(GOOGLE, token.grant.email) if token else None
    call = Call(
        service=GOOGLE,
        operation=_OPERATION[method],
        email=mailbox.email if mailbox else None,
        mailbox=mailbox,
        fault_answer=fault_answer,
    )

    def work() -> Answer:
        _authorize(world, token, method)
        assert mailbox is not None  # noqa: S101 - a token that is authorised has a grant, and a grant its mailbox
        _meter(world, mailbox)
        _check_calendar(request.match_info["calendar"], mailbox)
        parameters = read_parameters(method, request.query)
        return _perform(world, mailbox, method, request, parameters, body)

    return await pass_gate(world, request, call, work)


def _authorize(world: World, token: AccessToken | None, method: str) -> None:
    if token is None or not token.valid(world.clock.now()):
        headers = {"WWW-Authenticate": 'Bearer realm="https://accounts.google.com/", error="invalid_token"'}
        raise Refusal(error(401, "authError", location=("header", "Authorization"), headers=headers))
    if not token.grant.scopes & method_scopes(method):
        headers = {"WWW-Authenticate": 'Bearer realm="https://accounts.google.com/", error="insufficient_scope"'}
        raise Refusal(error(403, "insufficientPermissions", headers=headers))


def _meter(world: World, mailbox: Mailbox) -> None:
    quota = world.config.google_user_quota_per_minute
    if quota is None:
        return
    now = world.clock.now().timestamp()
    mailbox.recent_calls[:] = [moment for moment in mailbox.recent_calls if moment > now - 60]
    if len(mailbox.recent_calls) >= quota:
        raise refuse(403, "userRateLimitExceeded")
    mailbox.recent_calls.append(now)


def _check_calendar(calendar: str, mailbox: Mailbox) -> None:
    if calendar not in ("primary", mailbox.email):
        raise refuse(404, "notFound")


def _perform(world: World, mailbox: Mailbox, method: str, request: web.Request, parameters: Parameters, body: bytes) -> Answer:
    events = GoogleEvents(world, mailbox)
    event_id, if_match = request.match_info.get("event", ""), request.headers.get("If-Match")
    match method:
        case "list":
            return _checked("Events", list_events(world, mailbox, parameters))
        case "get":
            event = events.get(event_id)
            if request.headers.get("If-None-Match") == event.raw["etag"]:
                return Answer(status=304, event_id=event_id)
        case "insert":
            event = events.insert(_object(body))
        case "patch":
            event = events.patch(event_id, _object(body), if_match)
        case "update":
            event = events.update(event_id, _object(body), if_match)
        case _:
            event = events.delete(event_id, if_match)
            return Answer(status=204, event_id=event_id, notifications=_notified(event, parameters))
    sent = 0 if method == "get" else _notified(event, parameters)
    return _checked("Event", event.raw, event_id=event.id, headers={"ETag": event.raw["etag"]}, notifications=sent)


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, UnicodeDecodeError):
        raise refuse(400, "parseError", "Parse Error") from None
    if not isinstance(value, dict):
        raise refuse(400, "parseError", "Parse Error")
    return value


def _notified(event: StoredEvent, parameters: Parameters) -> int:
    """Mails that go out: to each attendee, when asked for. Without `sendUpdates` none is sent (the older parameter defaults to false)."""
    asked = parameters.text("sendUpdates") in ("all", "externalOnly") or parameters.flag("sendNotifications")
    return len(event.raw.get("attendees", ())) if asked else 0


def _checked(schema: str, resource: Mapping[str, Any], **more: Any) -> Answer:
    """The answer, after the sandbox held itself to the discovery document."""
    problem = checker(schema)(resource)
    if problem is not None:
        raise AssertionError(f"the sandbox's own {schema}{problem}")
    return json_answer(200, resource, **more)
