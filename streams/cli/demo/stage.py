"""The processes of the demo: broker, sandbox, workers and portal, each a child process on free ports of the loopback address."""

import asyncio
import base64
import os
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from infra.kafka.ready import serves
from infra.ports import HOST, free_ports
from infra.sandbox.config import SandboxConfig
from streams.cli.brokers import admin_client
from streams.cli.demo.children import Child, ChildEndedError, Family
from streams.cli.demo.together import together
from streams.engine.topic_admin import apply_topics
from streams.settings import Settings

__all__ = ["Stage", "Told", "start_backing", "start_workers"]

#: The very first start fetches the broker's jars.
KAFKA_SECONDS = 600.0
START_SECONDS = 120.0
WORKERS = ("fold", "execute", "redeliver", "read-model")
#: Short, so that the story does not wait long for a worker that was killed; and long enough for a machine that is busy for some seconds: a
#: worker that the broker counts out ends, and with it the story.
_QUICK = {
    "IMPACT_TOPIC_PARTITIONS": "4",
    "IMPACT_RETRY_TIERS": "1s,3s,5s",
    "IMPACT_CALL_TIMEOUT": "5s",
    "IMPACT_SESSION_TIMEOUT": "12s",
}
#: The portal keeps the usual ones: a person is told when something took too long, and nothing tries again.
_WAITS = frozenset({"IMPACT_CALL_TIMEOUT", "IMPACT_SESSION_TIMEOUT"})

#: (what is ready, where it is, seconds that it took)
Told = Callable[[str, str, float], None]


@dataclass(frozen=True, kw_only=True)
class Stage:
    """`settings_env`: the settings that point any command here. `env`: those and what a process needs beside them."""

    family: Family
    session: aiohttp.ClientSession
    settings_env: Mapping[str, str]
    sandbox_url: str
    workers: dict[str, Child]

    @property
    def portal_url(self) -> str:
        return self.settings_env["IMPACT_PORTAL_URL"]

    @property
    def env(self) -> dict[str, str]:
        """Without the settings that the caller's own environment happens to hold."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("IMPACT_")}
        return inherited | dict(self.settings_env) | {"IMPACT_LOG_FORMAT": "console"}

    @property
    def settings(self) -> Settings:
        return Settings.from_env(self.settings_env)


async def start_backing(family: Family, session: aiohttp.ClientSession, directory: Path, told: Told) -> Stage:
    """The broker with its topics, the sandbox, and the portal, which needs neither to start. Raises ChildEndedError, CommandError."""
    kafka_port, sandbox_port, portal_port = free_ports(3)
    address, sandbox_url = f"{HOST}:{kafka_port}", f"http://{HOST}:{sandbox_port}"
    env = {
        "IMPACT_KAFKA_BOOTSTRAP_SERVERS": address,
        **SandboxConfig(portal_url=f"http://{HOST}:{portal_port}").env(sandbox_url),
        "IMPACT_SESSION_KEY": _new_key(),
        "IMPACT_VAULT_KEYS": f"demo:{_new_key()}",
        "IMPACT_DATA_DIR": str(directory / "workers"),
        "IMPACT_DATABASE_URL": f"sqlite:///{directory / 'read-model.sqlite3'}",
        **_QUICK,
    }
    stage = Stage(family=family, session=session, settings_env=env, sandbox_url=sandbox_url, workers={})
    kafka = family.start("kafka", "kafka", "--port", str(kafka_port), "--data-dir", str(directory / "kafka"), env=stage.env, ends_last=True)
    sandbox = family.start("sandbox", "sandbox", "--port", str(sandbox_port), env=stage.env)
    unhurried = {name: value for name, value in stage.env.items() if name not in _WAITS}
    portal = family.start("portal", "portal", "--port", str(portal_port), env=unhurried)
    await together(
        _ready(sandbox, lambda: _answers(session, sandbox_url), START_SECONDS, sandbox_url, told),
        _ready(kafka, lambda: serves(address), KAFKA_SECONDS, address, told),
        _ready(portal, lambda: _answers(session, stage.portal_url), START_SECONDS, f"{stage.portal_url}/", told),
    )
    await _make_topics(stage, told)
    return stage


async def start_workers(stage: Stage, told: Told) -> None:
    """All of them, at once. Raises ChildEndedError."""
    await together(*(_start_worker(stage, name, port, told) for name, port in zip(WORKERS, free_ports(len(WORKERS)), strict=True)))


async def _start_worker(stage: Stage, name: str, port: int, told: Told) -> None:
    url = f"http://{HOST}:{port}"
    child = stage.family.start(name, env={**stage.env, "IMPACT_METRICS_PORT": str(port)})
    stage.workers[name] = child
    await _ready(child, lambda: _works(stage.session, url), START_SECONDS, f"{url}/metrics", told)


async def _make_topics(stage: Stage, told: Told) -> None:
    started = time.monotonic()
    settings = stage.settings
    async with admin_client(settings.kafka) as admin:
        await apply_topics(admin, settings.topics, settings.topic_replicas)
    told("topics", f"{len(settings.topics.all())} made", time.monotonic() - started)


async def _ready(child: Child, answers: Callable[[], Awaitable[bool]], within: float, where: str, told: Told) -> None:
    started = time.monotonic()
    while not await answers():
        child.require_running()
        if time.monotonic() - started > within:
            raise ChildEndedError(child.trouble(f"was not ready after {within:.0f} s"))
        await asyncio.sleep(0.1)
    told(child.name, where, time.monotonic() - started)


async def _answers(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(f"{url}/healthz") as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


async def _works(session: aiohttp.ClientSession, url: str) -> bool:
    """Whether a worker is alive and holds partitions."""
    try:
        async with session.get(f"{url}/healthz") as answer:
            return answer.status == 200 and bool((await answer.json()).get("partitions", 1))
    except aiohttp.ClientError:
        return False


def _new_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()
