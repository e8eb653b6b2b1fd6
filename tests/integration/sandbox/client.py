"""A plain HTTP client of the sandbox: nothing of the product in it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from infra.sandbox.server import RunningSandbox

GOOGLE_EVENTS = "/calendar/v3/calendars/primary/events"
GRAPH_EVENTS = "/v1.0/me/events"
TOKEN_PATH = {"google": "/google/token", "microsoft": "/common/oauth2/v2.0/token"}
MARK_ID = "String {66f5a359-4659-4830-9070-00047ec6ac6e} Name ImpactFeedbackKey"
IMMUTABLE = {"Prefer": 'IdType="ImmutableId"'}


@dataclass(frozen=True, kw_only=True)
class Reply:
    status: int
    body: Any
    headers: Mapping[str, str]

    @property
    def google_reason(self) -> str:
        return str(self.body["error"]["errors"][0]["reason"])

    @property
    def graph_code(self) -> str:
        return str(self.body["error"]["code"])


@dataclass(kw_only=True)
class Client:
    """`headers` go with each request; a person's have the access token."""

    sandbox: RunningSandbox
    http: aiohttp.ClientSession
    headers: dict[str, str] = field(default_factory=dict)
    refresh_token: str = ""

    async def ask(self, method: str, path: str, body: Any = None, *, headers: Mapping[str, str] | None = None, **more: Any) -> Reply:
        content = {} if body is None else {"json": body}
        sent = {**self.headers, **(headers or {})}
        async with self.http.request(method, self.sandbox.base_url + path, headers=sent, **content, **more) as answer:
            text = await answer.text()
            is_json = answer.content_type == "application/json" and text
            return Reply(status=answer.status, body=json.loads(text) if is_json else text, headers=answer.headers)

    async def grant(self, service: str, email: str, **more: Any) -> str:
        reply = await self.ask("POST", "/control/grants", {"service": service, "email": email, **more})
        assert reply.status == 201, reply.body
        return str(reply.body["refresh_token"])

    async def refresh(self, service: str, refresh_token: str, **more: str) -> Reply:
        form = {"client_id": "sandbox-client", "client_secret": "sandbox-secret", "grant_type": "refresh_token"}
        return await self.ask("POST", TOKEN_PATH[service], data={**form, "refresh_token": refresh_token, **more})

    async def person(self, service: str, email: str = "ana@impact.example", **grant: Any) -> "Client":
        """A client with a fresh access token of that user."""
        refresh_token = await self.grant(service, email, **grant)
        reply = await self.refresh(service, refresh_token)
        assert reply.status == 200, reply.body
        headers = {"Authorization": f"Bearer {reply.body['access_token']}"}
        return Client(sandbox=self.sandbox, http=self.http, headers=headers, refresh_token=refresh_token)

    async def standing(self, service: str, email: str = "ana@impact.example") -> list[dict[str, Any]]:
        reply = await self.ask("GET", f"/control/calendars/{service}/{email}")
        assert reply.status == 200, reply.body
        return list(reply.body["events"])

    async def fault(self, **order: Any) -> str:
        reply = await self.ask("POST", "/control/faults", order)
        assert reply.status == 201, reply.body
        return str(reply.body["id"])


def google_event(**more: Any) -> dict[str, Any]:
    return {
        "summary": "Yoga",
        "location": "Studio 1",
        "start": {"dateTime": "2026-11-02T09:00:00", "timeZone": "Europe/Zurich"},
        "end": {"dateTime": "2026-11-02T10:00:00", "timeZone": "Europe/Zurich"},
        **more,
    }


def graph_event(**more: Any) -> dict[str, Any]:
    return {
        "subject": "Yoga",
        "body": {"contentType": "text", "content": "Booked class"},
        "location": {"displayName": "Studio 1"},
        "start": {"dateTime": "2026-11-02T09:00:00", "timeZone": "W. Europe Standard Time"},
        "end": {"dateTime": "2026-11-02T10:00:00", "timeZone": "W. Europe Standard Time"},
        **more,
    }
