"""The portal: signed-in providers who load the EXTERNAL page, each once a second, and all at the same moment."""

import asyncio
import base64
import secrets
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec

from infra.sandbox.config import SandboxConfig
from tests.bench.answers import WrongAnswerError
from tests.bench.portal_load import LoadReport, Order, Reader
from tests.bench.portal_world import connected_providers, fill, sign_in
from tests.bench.stub.client import vault_env
from tests.bench.watch import cpu_seconds
from tests.e2e.stack import reachable
from tests.support.ports import free_port
from tests.support.processes import Worker
from tests.support.waiting import eventually

__all__ = ["PACED", "PortalRun", "PortalSizes", "portal_running", "run_portal"]

PACED, AT_ONCE = "once a second each", "all at once"
_PAGE = "/account/profile/external"
_HOST = "127.0.0.1"


@dataclass(frozen=True, kw_only=True)
class PortalSizes:
    """`seconds`: how long each loads the page once a second. `bursts`: how often all load it at the same moment."""

    users: int
    classes: int
    seconds: int
    bursts: int


@dataclass(frozen=True, kw_only=True)
class PortalRun:
    """`latencies`: ms, sorted. `cpu`: of the portal process, in seconds."""

    latencies: list[float]
    seconds: float
    cpu: float

    def percentile(self, percent: float) -> float:
        return self.latencies[min(int(len(self.latencies) * percent / 100), len(self.latencies) - 1)]

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds

    @property
    def cpu_ms(self) -> float:
        return self.cpu / len(self.latencies) * 1000


async def run_portal(sizes: PortalSizes, bootstrap: str, directory: Path, env: dict[str, str]) -> dict[str, PortalRun]:
    """One portal process through both. Raises WrongAnswerError, TimeoutError."""
    providers = connected_providers(sizes.users)
    url = f"sqlite+aiosqlite:///{directory / 'read-model.sqlite3'}"
    await fill(url, providers, sizes.classes)
    async with portal_running(bootstrap, directory, env | {"IMPACT_DATABASE_URL": url}) as (portal, sandbox, port):
        readers = [await sign_in(provider, portal=f"http://{_HOST}:{port}", sandbox=sandbox) for provider in providers]
        orders = {
            "warm-up": _order(port, readers, requests=1, pause=0.5),
            PACED: _order(port, readers, requests=sizes.seconds, pause=1.0),
            AT_ONCE: _order(port, readers, requests=sizes.bursts, pause=0.0),
        }
        runs = {name: _measure(order, portal, directory / name.replace(" ", "-")) for name, order in orders.items()}
    return {name: run for name, run in runs.items() if name != "warm-up"}


@asynccontextmanager
async def portal_running(bootstrap: str, directory: Path, env: dict[str, str]) -> AsyncIterator[tuple[Worker, str, int]]:
    """The portal, the address of the sandbox that it signs people in with, and the portal's port."""
    sandbox_port, port = free_port(), free_port()
    sandbox_url = f"http://{_HOST}:{sandbox_port}"
    given = env | vault_env() | SandboxConfig(portal_url=f"http://{_HOST}:{port}").env(sandbox_url)
    given |= {
        "IMPACT_KAFKA_BOOTSTRAP_SERVERS": bootstrap,
        "IMPACT_SESSION_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
        "IMPACT_DATA_DIR": str(directory),
        "IMPACT_LOG_FORMAT": "json",
    }
    sandbox = Worker("sandbox", "--port", str(sandbox_port), env=given, log=directory / "sandbox.log")
    portal = Worker("portal", "--port", str(port), env=given, log=directory / "portal.log")
    with sandbox, portal:
        for url in (sandbox_url, f"http://{_HOST}:{port}"):
            await eventually(partial(asyncio.to_thread, reachable, f"{url}/healthz"), what=f"{url} to be healthy", timeout=60)
        yield portal, sandbox_url, port


def _order(port: int, readers: list[Reader], *, requests: int, pause: float) -> Order:
    return Order(host=_HOST, port=port, path=_PAGE, readers=readers, requests=requests, pause=pause)


def _measure(order: Order, portal: Worker, path: Path) -> PortalRun:
    given, found = path.with_suffix(".order"), path.with_suffix(".report")
    given.write_bytes(msgspec.json.encode(order))
    before = cpu_seconds(portal.pid)
    load = Worker("-m", "tests.bench.portal_load", str(given), str(found), env={}, log=path.with_suffix(".log"), command=(sys.executable,))
    with load:
        code = load.wait(timeout=60 + order.requests * max(order.pause, 1) * 5)
    cpu = cpu_seconds(portal.pid) - before
    if code != 0:
        raise WrongAnswerError(f"portal: the load ended with {code}: {path.with_suffix('.log').read_text()[-1000:]}")
    report = msgspec.json.decode(found.read_bytes(), type=LoadReport)
    if report.wrong or len(report.latencies) != len(order.readers) * order.requests:
        raise WrongAnswerError(f"portal: {len(report.latencies)} answers, wrong ones such as {report.wrong}")
    return PortalRun(latencies=sorted(report.latencies), seconds=report.seconds, cpu=cpu)
