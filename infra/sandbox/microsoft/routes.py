"""`/v1.0/me` and `/v1.0/me/events`: who is asking, what for, and the answer."""

import json
import uuid
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from infra.sandbox.accounts import Account
from infra.sandbox.answers import Answer, json_answer
from infra.sandbox.config import MICROSOFT
from infra.sandbox.gate import Call, pass_gate
from infra.sandbox.grants import AccessToken
from infra.sandbox.mailboxes import Mailbox, StoredEvent
from infra.sandbox.microsoft.errors import fault_answer, refuse, too_many
from infra.sandbox.microsoft.events import GraphEvents
from infra.sandbox.microsoft.issue import account_of
from infra.sandbox.microsoft.listing import list_events
from infra.sandbox.microsoft.query import read_query
from infra.sandbox.microsoft.render import Preferences, id_of, read_preferences, render
from infra.sandbox.world import WORLD, World

__all__ = ["routes"]

_WRITE = frozenset({"calendars.readwrite", "calendars.readwrite.shared"})
_READ = _WRITE | {"calendars.read", "calendars.read.shared"}
_SCOPES = {
    "create": _WRITE,
    "update": _WRITE,
    "delete": _WRITE,
    "get": _READ,
    "list": _READ,
    "me": frozenset({"user.read", "user.readwrite", "user.read.all"}),
}
_RESOURCE = "https://graph.microsoft.com/"
_BEARER = "Bearer "


def routes() -> list[web.RouteDef]:
    return [
        web.get("/v1.0/me", _me, allow_head=False),
        web.post("/v1.0/me/events", _create),
        web.get("/v1.0/me/events", _list, allow_head=False),
        web.get("/v1.0/me/events/{event}", _get, allow_head=False),
        web.patch("/v1.0/me/events/{event}", _update),
        web.delete("/v1.0/me/events/{event}", _delete),
    ]


async def _me(request: web.Request) -> web.StreamResponse:
    return await _serve(request, "me")


async def _create(request: web.Request) -> web.StreamResponse:
    return await _serve(request, "create")


async def _list(request: web.Request) -> web.StreamResponse:
    return await _serve(request, "list")


async def _get(request: web.Request) -> web.StreamResponse:
    return await _serve(request, "get")


async def _update(request: web.Request) -> web.StreamResponse:
    return await _serve(request, "update")


async def _delete(request: web.Request) -> web.StreamResponse:
    return await _serve(request, "delete")


async def _serve(request: web.Request, operation: str) -> web.StreamResponse:
    world = request.app[WORLD]
    body = await request.read()
    header = request.headers.get("Authorization", "")
    token = world.grants[MICROSOFT].access_token(header.removeprefix(_BEARER)) if header.startswith(_BEARER) else None
    mailbox = world.mailboxes.of(MICROSOFT, token.grant.email) if token else None
    call = Call(
        service=MICROSOFT,
        operation=operation,
        email=mailbox.email if mailbox else None,
        mailbox=mailbox,
        fault_answer=fault_answer,
        limit=world.config.microsoft_mailbox_concurrency,
        over_limit=too_many,
    )

    unseen = operation == "create" and mailbox is not None and _is_unseen(world, mailbox, body)

    def work() -> Answer:
        _authorize(world, token, header, operation)
        assert mailbox is not None  # noqa: S101 - a token that is authorised has a grant, and a grant its mailbox
        return _perform(world, mailbox, operation, request, body, unseen=unseen)

    return await pass_gate(world, request, call, work)


def _is_unseen(world: World, mailbox: Mailbox, body: bytes) -> bool:
    """Whether the body's transactionId was unused when the call came, in a world where that is all that Graph looks at."""
    if not world.config.microsoft_transaction_race:
        return False
    try:
        return json.loads(body).get("transactionId") not in mailbox.transactions
    except (ValueError, AttributeError, TypeError):
        return False


def _authorize(world: World, token: AccessToken | None, header: str, operation: str) -> None:
    if not header:
        raise refuse(401, "InvalidAuthenticationToken", "Access token is empty.")
    if token is None or not token.valid(world.clock.now()):
        raise refuse(401, "InvalidAuthenticationToken")
    held = {scope.removeprefix(_RESOURCE).lower() for scope in token.grant.scopes}
    if not held & _SCOPES[operation]:
        raise refuse(403, "ErrorAccessDenied")


def _perform(world: World, mailbox: Mailbox, operation: str, request: web.Request, body: bytes, *, unseen: bool) -> Answer:
    events, preferences = GraphEvents(world, mailbox), read_preferences(request.headers.get("Prefer"))
    event_id = request.match_info.get("event", "")
    match operation:
        case "me":
            return json_answer(200, _profile(account_of(world, mailbox.email)))
        case "create":
            event = events.create(_object(body), unseen=unseen)
            location = f"{_RESOURCE}v1.0/users('{mailbox.email}')/events('{id_of(event, preferences)}')"
            return _one(request, mailbox, event, preferences, 201, notifies=True, headers={"Location": location})
        case "list":
            return json_answer(200, list_events(mailbox, read_query(request.query), preferences, request.url))
        case "get":
            return _one(request, mailbox, events.get(event_id), preferences, 200)
        case "update":
            return _one(request, mailbox, events.patch(event_id, _object(body)), preferences, 200, notifies=True)
        case _:
            event = events.delete(event_id)
            return Answer(status=204, event_id=event.id, notifications=len(event.raw["attendees"]))


def _one(
    request: web.Request,
    mailbox: Mailbox,
    event: StoredEvent,
    preferences: Preferences,
    status: int,
    *,
    notifies: bool = False,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Graph tells every attendee of every change, and there is no way to ask it not to."""
    shown = read_query(request.query).shape(event, render(mailbox, event, preferences))
    context = {"@odata.context": f"{_RESOURCE}v1.0/$metadata#users('{mailbox.email}')/events/$entity"}
    applied = {"Preference-Applied": 'IdType="ImmutableId"'} if preferences.immutable_ids else {}
    return json_answer(
        status,
        context | shown,
        headers={**(headers or {}), **applied, "request-id": str(uuid.uuid4())},
        event_id=event.id,
        notifications=len(event.raw["attendees"]) if notifies else 0,
    )


def _object(body: bytes) -> Mapping[str, Any]:
    message = "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format."
    try:
        value = json.loads(body)
    except (ValueError, UnicodeDecodeError):
        raise refuse(400, "BadRequest", message) from None
    if not isinstance(value, dict):
        raise refuse(400, "BadRequest", message)
    return value


def _profile(account: Account) -> dict[str, Any]:
    """`mail` is null for an account without a mailbox of its own name, such as some personal ones."""
    return {
        "@odata.context": f"{_RESOURCE}v1.0/$metadata#users/$entity",
        "id": account.object_id,
        "displayName": account.name,
        "mail": account.email if account.has_mail else None,
        "userPrincipalName": account.login,
    }
