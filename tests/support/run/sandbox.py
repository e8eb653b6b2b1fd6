"""The sandbox as a process, and its control interface: grants, faults, the clock, what stands on whose calendar."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from infra.sandbox.config import SandboxConfig
from tests.support.ports import free_port
from tests.support.processes import Worker
from tests.support.waiting import eventually

__all__ = ["SandboxProcess", "run_sandbox"]


class SandboxProcess:
    """`env`: the settings that point the product at it."""

    def __init__(self, base_url: str, session: aiohttp.ClientSession, worker: Worker) -> None:
        self.base_url = base_url
        self.env = SandboxConfig().env(base_url)
        self.worker = worker
        self._session = session

    async def grant(self, service: str, email: str) -> dict[str, Any]:
        """A new consent: `refresh_token` and `scopes`."""
        return await self._ask("POST", "/control/grants", {"service": service, "email": email})

    async def revoke(self, service: str, email: str) -> None:
        """The user takes every consent back."""
        await self._ask("POST", "/control/grants/revoke", {"service": service, "email": email})

    async def fault(self, service: str, kind: str, **order: Any) -> str:
        """Order a fault (see infra.sandbox.faults.FaultOrder); its id."""
        made = await self._ask("POST", "/control/faults", {"service": service, "kind": kind, **order})
        return str(made["id"])

    async def faults(self) -> list[dict[str, Any]]:
        return list((await self._ask("GET", "/control/faults"))["faults"])

    async def end_fault(self, fault_id: str) -> None:
        await self._ask("DELETE", f"/control/faults/{fault_id}")

    async def end_faults(self) -> None:
        await self._ask("DELETE", "/control/faults")

    async def advance(self, seconds: float) -> None:
        """Put the services' clock forward: access tokens run out."""
        await self._ask("POST", "/control/clock", {"advance_seconds": seconds})

    async def events(self, service: str, email: str) -> list[dict[str, Any]]:
        """What stands, as infra.sandbox.control.view.EventView shows it."""
        return list((await self._ask("GET", f"/control/calendars/{service}/{email}"))["events"])

    async def stats(self) -> dict[str, Any]:
        return await self._ask("GET", "/control/stats")

    async def requests(self, email: str | None = None) -> list[dict[str, Any]]:
        """The journal, oldest first."""
        query = f"?email={email}" if email else ""
        return list((await self._ask("GET", f"/control/requests{query}"))["requests"])

    async def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        async with self._session.request(method, self.base_url + path, json=body) as response:
            assert response.status < 300, f"{method} {path}: {response.status} {await response.text()}"
            answer: dict[str, Any] = await response.json() if response.status != 204 else {}
            return answer


@asynccontextmanager
async def run_sandbox(env: Mapping[str, str], directory: Path) -> AsyncIterator[SandboxProcess]:
    """`impact-calendar sandbox` on a free port, until the block is left."""
    port = free_port()
    worker = Worker("sandbox", "--port", str(port), env=env, log=directory / "sandbox.log")
    async with aiohttp.ClientSession() as session:
        with worker:
            sandbox = SandboxProcess(f"http://127.0.0.1:{port}", session, worker)
            await eventually(lambda: _answers(sandbox), what="the sandbox", timeout=60)
            yield sandbox


async def _answers(sandbox: SandboxProcess) -> bool:
    assert sandbox.worker.running, f"the sandbox ended:\n{sandbox.worker.output[-2000:]}"
    try:
        await sandbox.stats()
    except aiohttp.ClientConnectionError:
        return False
    return True
