"""The real adapters against the simulated services."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp

from adapters.fakes import Operation
from adapters.google.client import GoogleCalendar
from adapters.google.tokens import GoogleTokens
from adapters.http import LeanClient
from adapters.microsoft.client import MicrosoftCalendar
from adapters.microsoft.client_credential import SecretCredential
from adapters.microsoft.tokens import MicrosoftTokens
from adapters.ports import CalendarPort, TokenPort
from infra.sandbox.server import RunningSandbox, serve
from schemas.connections import Service
from tests.contract.backends import EMAIL, Seen


class SandboxBackend:
    """A real adapter, and the control interface of the sandbox that it talks to."""

    def __init__(
        self, service: Service, calendar: CalendarPort, tokens: TokenPort, sandbox: RunningSandbox, control: aiohttp.ClientSession
    ) -> None:
        self.service, self.calendar, self.tokens = service, calendar, tokens
        self.sandbox, self.control = sandbox, control
        self.refresh_token = ""
        self.title_limit = 1024 if service is Service.GOOGLE else 255
        #: The words of the sandbox's faults for our operations; Google finds by a get first, Microsoft by a list.
        find = "get" if service is Service.GOOGLE else "list"
        self._operations = {"find": find, "refresh": "token"}

    async def connect(self, scopes: list[str] | None = None) -> None:
        wanted = {"service": self.service.value, "email": EMAIL} | ({} if scopes is None else {"scopes": scopes})
        self.refresh_token = (await self._control("POST", "/control/grants", wanted))["refresh_token"]

    async def access_token(self) -> str:
        granted = await self.tokens.refresh(self.refresh_token, datetime.now(UTC))
        self.refresh_token = granted.refresh_token or self.refresh_token
        return granted.access_token

    async def seen(self) -> list[Seen]:
        events = (await self._control("GET", self._calendar))["events"]
        return [
            Seen(
                remote_id=event["id"],
                title=event["title"],
                start_utc=datetime.fromisoformat(event["start_utc"]),
                end_utc=datetime.fromisoformat(event["end_utc"]),
                location=event["location"],
                description=event["description"],
                mark=event["mark"],
                raw=event["raw"],
            )
            for event in events
        ]

    async def notifications(self) -> int:
        stats = await self._control("GET", "/control/stats")
        sent: int = stats["notifications"]
        return sent

    async def requests(self, operation: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self._control("GET", f"/control/requests?operation={operation}"))["requests"]
        return found

    async def remove_by_hand(self, remote_id: str) -> None:
        await self._control("DELETE", f"{self._calendar}/{remote_id}")

    async def rename_by_hand(self, remote_id: str, title: str) -> None:
        await self._control("PATCH", f"{self._calendar}/{remote_id}", {"title": title})

    async def move_by_hand(self, remote_id: str) -> None:
        """To another calendar of the same person."""
        await self._control("POST", f"{self._calendar}/{remote_id}/move")

    async def answer_next(
        self,
        status: int,
        *,
        operation: Operation,
        retry_after: float | None = None,
        keep_work: bool = False,
        reason: str | None = None,
    ) -> None:
        order = {"kind": "status", "status": status, "retry_after": retry_after, "keep_work": keep_work, "reason": reason}
        await self._fault(operation, order)

    async def drop_next(self, *, operation: Operation, after: bool) -> None:
        await self._fault(operation, {"kind": "drop_after" if after else "drop_before"})

    async def revoke_by_hand(self) -> None:
        await self._control("POST", "/control/grants/revoke", {"service": self.service.value, "email": EMAIL})

    @property
    def _calendar(self) -> str:
        return f"/control/calendars/{self.service.value}/{EMAIL}"

    async def _fault(self, operation: Operation, order: Mapping[str, Any]) -> None:
        about = {"service": self.service.value, "operation": self._operations.get(operation, operation), "times": 1}
        await self._control("POST", "/control/faults", {**about, **order})

    async def _control(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        async with self.control.request(method, self.sandbox.base_url + path, json=body) as response:
            assert response.status < 300, await response.text()
            return await response.json() if response.status != 204 else None


@asynccontextmanager
async def sandbox_backend(service: Service, *, client_secret: str | None = None) -> AsyncIterator[SandboxBackend]:
    """`client_secret`: what our tokens adapter believes it to be; the right one when absent."""
    sandbox = await serve()
    http = LeanClient(timeout=timedelta(seconds=20))
    env = sandbox.env()
    calendar: CalendarPort
    tokens: TokenPort
    if service is Service.GOOGLE:
        calendar = GoogleCalendar(http, api_url=env["IMPACT_GOOGLE_API_URL"])
        tokens = GoogleTokens(
            http,
            token_url=env["IMPACT_GOOGLE_TOKEN_URL"],
            revoke_url=env["IMPACT_GOOGLE_REVOKE_URL"],
            client_id=env["IMPACT_GOOGLE_CLIENT_ID"],
            client_secret=client_secret or env["IMPACT_GOOGLE_CLIENT_SECRET"],
        )
    else:
        calendar = MicrosoftCalendar(http, graph_url=env["IMPACT_GRAPH_URL"])
        tokens = MicrosoftTokens(
            http,
            authority=env["IMPACT_MICROSOFT_AUTHORITY"],
            client_id=env["IMPACT_MICROSOFT_CLIENT_ID"],
            credential=SecretCredential(client_secret or env["IMPACT_MICROSOFT_CLIENT_SECRET"]),
        )
    async with aiohttp.ClientSession() as control:
        backend = SandboxBackend(service, calendar, tokens, sandbox, control)
        await backend.connect()
        try:
            yield backend
        finally:
            await http.close()
            await sandbox.close()
