"""The stub as the benches use it: started, named in a worker's settings, asked for its calls."""

import base64
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import msgspec

from adapters.vault.seal import KeyRing
from schemas.connections import Service
from streams.cli.grant_lines import GrantLine, sealed_record
from streams.engine.producer import Row
from tests.bench.stub.services import Report
from tests.support.processes import Worker

__all__ = ["StubProcess", "granted_rows", "running_stub", "vault_env"]

_KEY = bytes(range(32))


@dataclass(frozen=True, kw_only=True)
class StubProcess:
    address: str
    session: aiohttp.ClientSession

    @property
    def env(self) -> dict[str, str]:
        """Settings of an execute worker that shall call it, for both services."""
        return vault_env() | {
            "IMPACT_GOOGLE_API_URL": self.address,
            "IMPACT_GOOGLE_TOKEN_URL": f"{self.address}/token",
            "IMPACT_GOOGLE_REVOKE_URL": f"{self.address}/revoke",
            "IMPACT_GOOGLE_CLIENT_ID": "bench",
            "IMPACT_GOOGLE_CLIENT_SECRET": "bench",
            "IMPACT_GRAPH_URL": f"{self.address}/v1.0",
            "IMPACT_MICROSOFT_AUTHORITY": f"{self.address}/common",
            "IMPACT_MICROSOFT_CLIENT_ID": "bench",
            "IMPACT_MICROSOFT_CLIENT_SECRET": "bench",
        }

    async def report(self) -> Report:
        """The calls since the last report."""
        async with self.session.get(f"{self.address}/bench/report") as answer:
            return msgspec.json.decode(await answer.read(), type=Report)


def vault_env() -> dict[str, str]:
    return {"IMPACT_VAULT_KEYS": "bench:" + base64.b64encode(_KEY).decode()}


@asynccontextmanager
async def running_stub(latency_ms: float, directory: Path) -> AsyncIterator[StubProcess]:
    worker = Worker("-m", "tests.bench.stub", str(latency_ms), env={}, log=directory / "stub.log", command=(sys.executable,))
    with worker:
        port = (await worker.wait_for_output(r"listening on (\d+)"))[1]
        async with aiohttp.ClientSession() as session:
            yield StubProcess(address=f"http://127.0.0.1:{port}", session=session)


def granted_rows(providers: Sequence[str], service: Service) -> list[Row]:
    """A sealed connection.granted for each; the provider's id is its refresh token."""
    ring = KeyRing([("bench", _KEY)])
    rows: list[Row] = []
    for number, provider_id in enumerate(providers):
        grant = GrantLine(
            provider_id=provider_id,
            service=service,
            email=f"{provider_id}@example.org",
            refresh_token=provider_id,
            scopes=("calendar",),
            connected_at=datetime(2026, 1, 1, tzinfo=UTC),
        )
        record = sealed_record(number, grant, ring)
        rows.append((record.key, record.value))
    return rows
