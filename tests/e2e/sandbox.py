"""The sandbox's control interface: what stands on the simulated calendars, what was asked of them, and faults to order."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import aiohttp
import msgspec

__all__ = ["Account", "CalendarEvent", "Sandbox"]


@dataclass(frozen=True)
class Account:
    """A user of a calendar service, whose primary calendar is meant."""

    service: str
    email: str


class CalendarEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event that stands. `mark`: its private properties, under the names that both services share (`key`, `class`, `revision` ...)."""

    id: str
    title: str
    start_utc: datetime
    end_utc: datetime
    start_local: datetime
    end_local: datetime
    time_zone: str
    location: str
    description: str
    url: str | None
    mark: Mapping[str, str]
    calendar: str
    created_seq: int
    updated_seq: int
    raw: Mapping[str, Any]

    @property
    def revision(self) -> int:
        return int(self.mark["revision"])

    @property
    def generation(self) -> int:
        return int(self.mark["generation"])

    @property
    def class_id(self) -> str:
        return self.mark["class"]


class Sandbox:
    def __init__(self, http: aiohttp.ClientSession, base_url: str) -> None:
        self._http = http
        self._base_url = base_url
        self._faults: list[str] = []

    async def grant(self, account: Account, scopes: list[str] | None = None) -> tuple[str, tuple[str, ...]]:
        """The user consents: a refresh token, and the scopes granted."""
        wanted = {"service": account.service, "email": account.email} | ({} if scopes is None else {"scopes": scopes})
        answer = await self.control("POST", "/control/grants", wanted)
        return answer["refresh_token"], tuple(answer["scopes"])

    async def revoke_grants(self, account: Account) -> int:
        """The user takes every consent back, at the service."""
        answer = await self.control("POST", "/control/grants/revoke", {"service": account.service, "email": account.email})
        revoked: int = answer["revoked"]
        return revoked

    async def events(self, account: Account) -> list[CalendarEvent]:
        answer = await self.control("GET", _calendar(account))
        return [_event(view) for view in answer["events"]]

    async def remove_by_hand(self, account: Account, event: CalendarEvent) -> None:
        await self.control("DELETE", f"{_calendar(account)}/{event.id}")

    async def edit_by_hand(self, account: Account, event: CalendarEvent, **changes: str) -> None:
        await self.control("PATCH", f"{_calendar(account)}/{event.id}", changes)

    async def move_by_hand(self, account: Account, event: CalendarEvent) -> None:
        """To another calendar of the same person."""
        await self.control("POST", f"{_calendar(account)}/{event.id}/move")

    async def fault(self, service: str, kind: str, **order: Any) -> str:
        """See infra/sandbox/faults.py. Lifted after the test at the latest."""
        answer = await self.control("POST", "/control/faults", {"service": service, "kind": kind, **order})
        self._faults.append(answer["id"])
        return self._faults[-1]

    async def lift(self, fault_id: str) -> None:
        self._faults.remove(fault_id)
        await self.control("DELETE", f"/control/faults/{fault_id}")

    async def lift_all(self) -> None:
        for fault_id in list(self._faults):
            await self.lift(fault_id)

    async def requests(self, account: Account, *operations: str) -> list[dict[str, Any]]:
        """The journal of one user, oldest first; of `operations` alone where some are named."""
        answer = await self.control("GET", f"/control/requests?service={account.service}&email={account.email}")
        return [entry for entry in answer["requests"] if not operations or entry["operation"] in operations]

    async def summary(self, account: Account) -> dict[str, Any]:
        """standing, duplicates, notifications, max_concurrency of one calendar."""
        calendars = (await self.control("GET", "/control/calendars"))["calendars"]
        return next(found for found in calendars if (found["service"], found["email"]) == (account.service, account.email))

    async def all_calendars(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.control("GET", "/control/calendars"))["calendars"]
        return found

    async def advance_clock(self, seconds: float) -> None:
        """Time passes at the services: access tokens age."""
        await self.control("POST", "/control/clock", {"advance_seconds": seconds})

    async def text(self, path: str) -> str:
        async with self._http.get(self._base_url + path) as response:
            assert response.status == 200, path
            return await response.text()

    async def control(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        async with self._http.request(method, self._base_url + path, json=body) as response:
            assert response.status < 300, f"{method} {path}: {await response.text()}"
            return await response.json() if response.status != 204 else None


def _calendar(account: Account) -> str:
    return f"/control/calendars/{account.service}/{account.email}"


def _event(view: Mapping[str, Any]) -> CalendarEvent:
    mark = {_mark_name(name): text for name, text in view["mark"].items()}
    return msgspec.convert({**view, "mark": mark}, CalendarEvent)


def _mark_name(name: str) -> str:
    """Google's properties and Microsoft's are named alike, with another prefix each."""
    return name.removeprefix("ImpactFeedback").removeprefix("impact").lower()
