"""What an operator sees and types: metrics and health with real values, settings that are wrong, grants and events from files."""

import asyncio
import json
import os
import signal
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.e2e.booking import cloud_event
from tests.e2e.metrics import counter, counts, gauge, scrape
from tests.e2e.stack import WORKERS
from tests.e2e.world import World
from tests.support.ports import free_port
from tests.support.processes import Worker, run_command

pytestmark = pytest.mark.kafka


async def health(world: World, worker: str) -> dict[str, object]:
    async with world.http.get(f"http://127.0.0.1:{world.stack.ports[worker]}/healthz") as response:
        assert response.status == 200
        body: dict[str, object] = await response.json()
        return body


async def test_metrics_count_what_really_happened(world: World, service: str) -> None:
    provider, story = await world.connected(service), world.new_class()
    await world.settled()
    before = await figures(world, service)
    await world.shown(provider, await story.book(provider.provider_id))
    await world.settled()
    after = await figures(world, service)
    grown = {name: after[name] - before[name] for name in before}
    assert grown == {"folded": 2, "intents": 1, "created": 1, "calls": 1, "timed": 1, "refreshes": 1}
    assert await gauge(world, "execute", "impact_execute_calls_in_flight", service=service) == 0


async def figures(world: World, service: str) -> dict[str, float]:
    return {
        "folded": await counter(world, "fold", "impact_fold_events", result="folded"),
        "intents": await counter(world, "fold", "impact_fold_intents"),
        "created": await counter(world, "execute", "impact_execute_outcomes", kind="created", service=service),
        "calls": await counter(world, "execute", "impact_execute_calls", service=service, operation="create", result="ok"),
        "timed": await gauge(world, "execute", "impact_execute_call_seconds_count", service=service, operation="create"),
        "refreshes": await counter(world, "execute", "impact_execute_token_refreshes", service=service),
    }


async def test_redelivery_counts_what_waits_and_what_it_moved(world: World, service: str) -> None:
    provider, story = await world.connected(service), world.new_class()
    moved = await counter(world, "redeliver", "impact_redelivery_redelivered", tier="1s")
    await world.sandbox.fault(service, "status", operation="create", email=provider.account.email, status=503, times=1)
    await world.shown(provider, await story.book(provider.provider_id))
    await counts(world, "redeliver", "impact_redelivery_redelivered", moved + 1, tier="1s")


@pytest.mark.parametrize("worker", WORKERS)
async def test_every_worker_tells_that_it_is_well_and_how_far_behind(world: World, worker: str) -> None:
    await world.settled()

    async def idle() -> bool:
        assert "impact_consumer_lag{" in await scrape(world, worker)
        lag = await gauge(world, worker, "impact_consumer_lag")
        assert lag == 0, lag
        return True

    await world.until(idle, what=f"{worker} without lag")
    body = await health(world, worker)
    assert body["ok"] is True
    if worker == "redeliver":
        assert body["waiting"] == {"1s": 0, "2s": 0}
    else:
        assert (body["lag"], body["partitions"]) == (0, 4 if worker == "fold" else 12)
    assert await gauge(world, worker, "process_resident_memory_bytes") > 1_000_000


WRONG: dict[str, tuple[tuple[str, ...], Mapping[str, str], str]] = {
    "no keys": (("execute",), {"IMPACT_VAULT_KEYS": ""}, "IMPACT_VAULT_KEYS is missing"),
    "a key that is too short": (("execute",), {"IMPACT_VAULT_KEYS": "a:AAAA"}, "IMPACT_VAULT_KEYS has a malformed"),
    "half a client": (("execute",), {"IMPACT_GOOGLE_CLIENT_SECRET": ""}, "IMPACT_GOOGLE_CLIENT_SECRET is missing"),
    "plain http": (("execute",), {"IMPACT_GRAPH_URL": "http://graph.example/v1.0"}, "IMPACT_GRAPH_URL is 'http://graph.example/v1.0'"),
    "a call longer than a session": (
        ("execute",),
        {"IMPACT_CALL_TIMEOUT": "9s", "IMPACT_SESSION_TIMEOUT": "8s"},
        "IMPACT_SESSION_TIMEOUT is 8s",
    ),
    "no port": (WORKERS, {"IMPACT_METRICS_PORT": "many"}, "IMPACT_METRICS_PORT is 'many'"),
    "an address without a port": (WORKERS, {"IMPACT_KAFKA_BOOTSTRAP_SERVERS": "kafka"}, "IMPACT_KAFKA_BOOTSTRAP_SERVERS holds 'kafka'"),
    "no number of days": (("fold",), {"IMPACT_FORGET_AFTER_DAYS": "never"}, "IMPACT_FORGET_AFTER_DAYS is 'never'"),
}


@pytest.mark.parametrize("wrong", WRONG)
async def test_a_setting_that_is_wrong_is_named_with_an_example_and_exit_2(world: World, wrong: str) -> None:
    commands, overrides, told = WRONG[wrong]
    env = {**world.stack.env, **overrides}
    for done in await asyncio.gather(*(asyncio.to_thread(run_command, command, env=env) for command in commands)):
        assert (done.returncode, done.stdout) == (2, ""), done.stderr
        assert done.stderr.startswith(f"impact-calendar: {told}")
        assert " It expects " in done.stderr
        assert " Example: IMPACT_" in done.stderr
        assert len(done.stderr.splitlines()) == 1


async def test_grants_and_events_from_files_end_on_the_calendar(world: World, service: str, tmp_path: Path) -> None:
    provider = world.provider(service)
    token, scopes = await world.sandbox.grant(provider.account)
    grant = {"provider_id": provider.provider_id, "service": service, "email": provider.account.email, "refresh_token": token}
    grants = tmp_path / "grants.jsonl"
    grants.write_text(json.dumps({**grant, "scopes": scopes, "connected_at": datetime.now(UTC).isoformat()}))
    story = world.new_class()
    whole = {"class_id": story.class_id, "version": 7, "kind": "class", "class_type": "yoga", "title": "From a file", "cancelled": False}
    when = {"starts_at": "2030-05-06T09:30:00", "ends_at": "2030-05-06T10:45:00", "time_zone": "Europe/Berlin"}
    where = {"location": "Studio 2", "presence": "online", "provider_ids": [provider.provider_id], "student_ids": ["pupil-from-a-file"]}
    events = tmp_path / "events.jsonl"
    events.write_text(json.dumps(cloud_event("class.snapshotted", whole | when | where)))

    for command in (("publish", str(events)), ("connections", "import", str(grants))):
        done = await asyncio.to_thread(run_command, *command, env=world.stack.env)
        assert done.returncode == 0, done.stderr
    assert (await world.shown(provider, 7)).title == "From a file"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_the_sandbox_and_every_worker_stop_cleanly_when_told(world: World, number: signal.Signals, tmp_path: Path) -> None:
    env = {**world.stack.env, "IMPACT_DATA_DIR": str(tmp_path)}
    ports = {name: free_port() for name in WORKERS}
    workers = [Worker(name, env={**env, "IMPACT_METRICS_PORT": str(port)}, log=tmp_path / f"{name}.log") for name, port in ports.items()]
    workers.append(Worker("sandbox", "--port", str(free_port()), env=env, log=tmp_path / "sandbox.log"))
    for worker in workers:
        worker.start()
    try:
        for name, port in ports.items():
            await world.until(lambda port=port: answers(world, port), what=f"a second {name}")  # type: ignore[misc]
        for worker in workers:
            os.kill(worker.pid, number)
        assert await asyncio.gather(*(asyncio.to_thread(worker.wait) for worker in workers)) == [0] * len(workers)
    finally:
        for worker in workers:
            if worker.running:
                worker.kill()
    await world.settled()


async def answers(world: World, port: int) -> bool:
    try:
        async with world.http.get(f"http://127.0.0.1:{port}/healthz") as response:
            return response.status == 200
    except OSError:
        return False
