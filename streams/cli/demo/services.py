"""The simulated calendar services, as the hand of a person and the eye of a check reach them: the sandbox's control interface."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import aiohttp
import msgspec

from schemas.connections import Service
from streams.cli.errors import CommandError

__all__ = ["Call", "Person", "RemoteView", "SimulatedServices", "Stats"]


class RemoteView(msgspec.Struct, frozen=True, kw_only=True):
    """An event that stands on a calendar. `start_local`, `end_local`: wall times in the zone that the calendar was given."""

    id: str
    title: str
    start_utc: datetime
    end_utc: datetime
    start_local: datetime
    end_local: datetime
    location: str
    url: str | None
    raw: Mapping[str, Any]


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One request that a service got. `status` 0: the connection was cut. `time`: Unix seconds."""

    time: float
    operation: str
    status: int


class Stats(msgspec.Struct, frozen=True, kw_only=True):
    standing: int
    duplicates: int
    notifications: int
    max_concurrency: int


class _Events(msgspec.Struct):
    events: list[RemoteView]


class _Calls(msgspec.Struct):
    requests: list[Call]


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Who can sign in at the identity provider. `sub`: the product's provider id."""

    sub: str
    email: str
    name: str
    groups: tuple[str, ...]


class _People(msgspec.Struct):
    people: list[Person]


class _Fault(msgspec.Struct):
    id: str


class SimulatedServices:
    """Each method raises CommandError when the sandbox refuses or does not answer."""

    def __init__(self, session: aiohttp.ClientSession, base_url: str) -> None:
        self._session = session
        self.base_url = base_url

    async def events(self, service: Service, email: str) -> Sequence[RemoteView]:
        return msgspec.json.decode(await self._ask("GET", f"/control/calendars/{service.value}/{email}"), type=_Events).events

    async def calls(self, service: Service, email: str) -> Sequence[Call]:
        """To the calendar of one user, in order."""
        path = f"/control/requests?service={service.value}&email={email}"
        return msgspec.json.decode(await self._ask("GET", path), type=_Calls).requests

    async def stats(self) -> Stats:
        return msgspec.json.decode(await self._ask("GET", "/control/stats"), type=Stats)

    async def introduce(self, service: Service, sub: str, email: str, name: str) -> None:
        """Somebody who can sign in, as a provider, and has an account at a calendar service."""
        await self._ask("POST", "/control/people", {"sub": sub, "email": email, "name": name})
        await self._ask("POST", "/control/accounts", {"service": service.value, "email": email, "name": name})

    async def people(self) -> Sequence[Person]:
        return msgspec.json.decode(await self._ask("GET", "/control/people"), type=_People).people

    async def withdraw_consent(self, service: Service, email: str) -> None:
        await self._ask("POST", "/control/grants/revoke", {"service": service.value, "email": email})

    async def fail(self, service: Service | None, email: str = "*", **fault: object) -> str:
        """Order a fault; its id. `service` None: of both."""
        body = {"service": service.value if service is not None else "*", "email": email, **fault}
        return msgspec.json.decode(await self._ask("POST", "/control/faults", body), type=_Fault).id

    async def mend(self, fault: str) -> None:
        await self._ask("DELETE", f"/control/faults/{fault}")

    async def remove_by_hand(self, service: Service, email: str, event: str) -> None:
        await self._ask("DELETE", f"/control/calendars/{service.value}/{email}/{event}")

    async def _ask(self, method: str, path: str, body: object = None) -> bytes:
        try:
            async with self._session.request(method, self.base_url + path, json=body) as answer:
                content = await answer.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise CommandError(f"the sandbox does not answer {method} {path}: {type(error).__name__}") from None
        if answer.status >= 400:
            raise CommandError(f"the sandbox answered {answer.status} to {method} {path}: {content[:200]!r}")
        return content
