"""`impact-calendar portal` as operators start it: a real broker, a real SQLite read model, the sandbox, and a person."""

import asyncio
import base64
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from adapters.read_model.migrate import migrate
from adapters.vault.seal import ConnectionAad, KeyRing
from infra.sandbox.config import SandboxConfig
from infra.sandbox.server import serve
from schemas.codec import decode_connection
from schemas.connections import ConnectionGranted
from streams.settings import Settings
from tests.integration.portal.connecting import connect_google
from tests.integration.portal.person import Person, problem_of
from tests.support.ports import free_port
from tests.support.processes import Worker, run_command

pytestmark = pytest.mark.kafka

NEEDED = ["IMPACT_PORTAL_URL", "IMPACT_OIDC_ISSUER", "IMPACT_OIDC_CLIENT_ID", "IMPACT_OIDC_CLIENT_SECRET", "IMPACT_SESSION_KEY"]


@pytest.fixture
async def portal_env(settings_env: dict[str, str]) -> AsyncIterator[dict[str, str]]:
    url = f"http://127.0.0.1:{free_port()}"
    sandbox = await serve(config=SandboxConfig(portal_url=url))
    yield settings_env | sandbox.env() | {"IMPACT_SESSION_KEY": base64.b64encode(secrets.token_bytes(32)).decode()}
    await sandbox.close()


@pytest.fixture
async def person(portal_env: dict[str, str], tmp_path: Path) -> AsyncIterator[Person]:
    """At a portal that runs as a process of its own."""
    async with AsyncExitStack() as stack:
        url = portal_env["IMPACT_PORTAL_URL"]
        worker = Worker("portal", "--port", url.rpartition(":")[2], env=portal_env, log=tmp_path / "portal.log")
        stack.enter_context(worker.start())
        await worker.wait_for_output("the portal listens")
        http = await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=20, trust_env=False))
        yield Person(http)


async def test_a_grant_made_in_the_portal_stands_in_the_topic_sealed_and_keyed(
    portal_env: dict[str, str], person: Person, tmp_path: Path
) -> None:
    settings = Settings.from_env(portal_env)
    applied = await asyncio.to_thread(run_command, "topics", "apply", env=portal_env)
    assert applied.returncode == 0, applied.stderr
    await migrate(settings.database_url)
    await person.sign_in()
    page = await connect_google(person)
    assert 'data-state="connecting"' in page.text, "nobody projects statuses here"
    (record,) = await read(settings)
    assert record.key == b"user_2002N4U3RRZ0FXB6"
    event = decode_connection(record.value)
    assert isinstance(event, ConnectionGranted)
    aad = ConnectionAad(provider_id=event.provider_id, service=event.service, grant_id=event.grant_id)
    token = KeyRing(settings.require_vault_keys()).open(event.sealed_refresh_token, aad)
    assert token.startswith("1//")
    assert token.encode() not in record.value
    log = (tmp_path / "portal.log").read_text()
    assert token not in log
    assert person.query("code") not in log
    assert "Traceback" not in log


async def test_without_a_read_model_pages_say_so_and_signing_in_still_works(person: Person) -> None:
    page = await person.sign_in()
    assert (page.status_code, problem_of(page)) == (503, "read_model_unavailable")
    assert (await person.open("/account/profile")).status_code == 200


async def test_a_proxy_may_use_a_connection_again_that_was_idle_for_a_while(portal_env: dict[str, str], person: Person) -> None:
    """A request that crosses the closing of its connection is lost, and the person sees the proxy's 502."""
    port = int(portal_env["IMPACT_PORTAL_URL"].rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for idle in (0.0, 7.0):
            await asyncio.sleep(idle)
            writer.write(f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            assert head.startswith("http/1.1 200 ")
            await reader.readexactly(int(head.partition("content-length:")[2].split()[0]))
    finally:
        writer.close()


async def test_it_stops_cleanly_when_told(portal_env: dict[str, str], tmp_path: Path) -> None:
    with Worker("portal", "--port", str(free_port()), env=portal_env, log=tmp_path / "portal.log").start() as worker:
        await worker.wait_for_output("the portal listens")
        assert await asyncio.to_thread(worker.terminate) == 0
        assert "Traceback" not in worker.output


@pytest.mark.parametrize("missing", NEEDED)
async def test_a_missing_setting_is_named_with_an_example_and_exit_2(portal_env: dict[str, str], missing: str) -> None:
    env = {name: value for name, value in portal_env.items() if name != missing}
    done = await asyncio.to_thread(run_command, "portal", env=env)
    assert done.returncode == 2
    assert done.stderr.startswith(f"impact-calendar: {missing} is missing. It expects ")
    assert f"Example: {missing}=" in done.stderr


async def read(settings: Settings) -> list[ConsumerRecord]:
    topic = settings.topics.connections
    bootstrap = settings.kafka.bootstrap_servers[0]
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False) as consumer:
        places = [TopicPartition(topic, number) for number in range(settings.topic_partitions)]
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        left = sum((await consumer.end_offsets(places)).values())
        found: list[ConsumerRecord] = []
        while len(found) < left:
            batches = await consumer.getmany(timeout_ms=1000)
            found += [record for batch in batches.values() for record in batch]
        return found
