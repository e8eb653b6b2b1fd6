"""The whole way over SASL_SSL: connected in the portal, booked, retried, and lost and found again, each process as a user of its own."""

import asyncio
import base64
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import httpx
import pytest

from infra.sandbox.config import SandboxConfig
from infra.sandbox.server import serve
from tests.e2e.sandbox import Account, CalendarEvent, Sandbox
from tests.integration.portal.connecting import connect_google
from tests.integration.portal.person import Person
from tests.support.class_lines import booked_class, line
from tests.support.ports import free_port
from tests.support.processes import Worker, run_command
from tests.support.secure_kafka import SecureKafka
from tests.support.waiting import eventually

pytestmark = pytest.mark.kafka

ANA, ACCOUNT = "user_2002N4U3RRZ0FXB6", Account("google", "ana@impact.example")


class Running:
    """Every process, each with the name and password of a user of its own."""

    def __init__(self, cluster: SecureKafka, env: dict[str, str], directory: Path) -> None:
        self.env = env
        self.port = env["IMPACT_PORTAL_URL"].rpartition(":")[2]
        self.workers = {
            name: Worker(name, *options, env=env | cluster.env(name), log=directory / f"{name}.log")
            for name, options in {"fold": [], "execute": [], "redeliver": [], "read-model": [], "portal": ["--port", self.port]}.items()
        }

    async def command(self, *args: str, stdin: str = "") -> str:
        done = await asyncio.to_thread(run_command, *args, env=self.env, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout

    async def lose(self, *names: str) -> None:
        """These come again without what they kept on their disks."""
        workers = [self.workers[name] for name in names]
        assert await asyncio.gather(*(asyncio.to_thread(worker.terminate) for worker in workers)) == [0] * len(names)
        for name, worker in zip(names, workers, strict=True):
            shutil.rmtree(Path(self.env["IMPACT_DATA_DIR"]) / f"{name}-0")
            worker.start()
        for worker in workers:
            await worker.wait_for_output("Tables are filled: [1-9]")

    async def ready(self) -> None:
        for name, said in {"fold": "Worker ready", "execute": "Worker ready", "redeliver": "redelivery reads", "portal": "listens"}.items():
            await self.workers[name].wait_for_output(said)
        await self.workers["read-model"].wait_for_output("writing the read model")


@pytest.fixture
async def sandbox() -> AsyncIterator[tuple[Sandbox, dict[str, str]]]:
    url = f"http://127.0.0.1:{free_port()}"
    server = await serve(config=SandboxConfig(portal_url=url))
    async with aiohttp.ClientSession() as http:
        yield Sandbox(http, server.base_url), server.env()
    await server.close()


@pytest.fixture
async def running(
    cluster: SecureKafka, env: dict[str, str], sandbox: tuple[Sandbox, dict[str, str]], tmp_path: Path
) -> AsyncIterator[Running]:
    own = env | sandbox[1] | {"IMPACT_SESSION_KEY": base64.b64encode(bytes(32)).decode()}
    running = Running(cluster, own, tmp_path)
    try:
        for worker in running.workers.values():
            worker.start()
        await running.ready()
        yield running
    finally:
        for worker in running.workers.values():
            if worker.running:
                worker.kill()


async def shown(sandbox: Sandbox, revision: int) -> CalendarEvent:
    """The one event on Ana's calendar, once it shows `revision`."""

    async def probe() -> CalendarEvent | None:
        events = await sandbox.events(ACCOUNT)
        assert [event.revision for event in events] == [revision]
        return events[0]

    found = await eventually(probe, what=f"one event at revision {revision}")
    assert found is not None
    return found


async def test_a_class_goes_its_whole_way_with_passwords_and_tls(running: Running, sandbox: tuple[Sandbox, dict[str, str]]) -> None:
    services, _ = sandbox
    async with httpx.AsyncClient(base_url=running.env["IMPACT_PORTAL_URL"], timeout=20, trust_env=False) as http:
        person = Person(http)
        await person.sign_in()
        assert 'data-state="connect' in (await connect_google(person)).text

    await services.fault("google", "status", operation="create", status=503, times=1)
    assert "Published 2 events" in await running.command("publish", "-", stdin=booked_class("class-1", ANA))
    first = await shown(services, 2)
    assert [entry["operation"] for entry in await services.requests(ACCOUNT, "create")] == ["create", "create"], "redeliver brought it back"

    await running.lose("fold", "execute")
    moved = {"starts_at": "2030-05-07T09:30:00", "ends_at": "2030-05-07T10:45:00", "time_zone": "Europe/Berlin"}
    await running.command("publish", "-", stdin=line("class.rescheduled", "class-1", 3, **moved))
    assert (await shown(services, 3)).id == first.id, "class and agenda came back from their changelogs"

    async def told() -> bool:
        report = json.loads(await running.command("status", "--json"))
        assert report["connections"]["connected"] == 1
        assert all(topic["lag"] == 0 for group in report["groups"] for topic in group["topics"]), report
        assert '"updated"' in await running.command("why", "class-1", "--json")
        return True

    await eventually(told, what="status and read model to tell of it")
    assert [worker.name for worker in running.workers.values() if "Traceback" in worker.output] == []
