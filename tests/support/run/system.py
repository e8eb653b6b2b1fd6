"""The whole product: topics made, the sandbox and the workers as processes, connections imported, events published."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from aiokafka import AIOKafkaProducer

from streams.settings import Settings
from tests.support.histories import Line
from tests.support.processes import Worker, run_command
from tests.support.run.sandbox import SandboxProcess, run_sandbox

__all__ = ["READY", "Provider", "System", "providers_of", "run_system"]

#: What a worker logs when it begins to take records.
READY = {"fold": "Worker ready", "execute": "Worker ready", "redeliver": "redelivery reads"}

_CLOUD_EVENT = "application/cloudevents+json"


@dataclass(frozen=True)
class Provider:
    provider_id: str
    service: str

    @property
    def email(self) -> str:
        return f"{self.provider_id}@{self.service}.example"


def providers_of(provider_ids: Iterable[str]) -> tuple[Provider, ...]:
    """Half of them on Google, half on Microsoft."""
    return tuple(Provider(provider_id, ("google", "microsoft")[number % 2]) for number, provider_id in enumerate(provider_ids))


@dataclass
class System:
    """`tokens`: every refresh token handed to the product in clear. `spoken`: what the commands printed."""

    env: dict[str, str]
    directory: Path
    sandbox: SandboxProcess
    producer: AIOKafkaProducer
    workers: dict[str, Worker] = field(default_factory=dict)
    tokens: list[str] = field(default_factory=list)
    spoken: list[str] = field(default_factory=list)

    @property
    def settings(self) -> Settings:
        return Settings.from_env(self.env)

    def start(self, command: str, name: str | None = None) -> Worker:
        """A worker process; two of a kind need a name each."""
        name = name or command
        worker = self.workers[name] = Worker(command, env=self.env, log=self.directory / f"{name}.log")
        return worker.start()

    async def start_all(self, *names: str) -> None:
        """Starts the three workers (and waits until they take records)."""
        for command in names or tuple(READY):
            self.start(command)
        for worker in self.workers.values():
            await worker.wait_for_output(READY[worker.args[0]])

    async def command(self, *args: str, stdin: str = "") -> None:
        done = await asyncio.to_thread(run_command, *args, env=self.env, stdin=stdin)
        self.spoken += [done.stdout, done.stderr]
        assert done.returncode == 0, f"{args}: {done.returncode}\n{done.stderr[-3000:]}"

    async def connect(self, providers: Sequence[Provider]) -> None:
        """Every provider grants access; `connections import` takes the grants in."""
        lines = []
        for provider in providers:
            grant = await self.sandbox.grant(provider.service, provider.email)
            self.tokens.append(grant["refresh_token"])
            who = {"provider_id": provider.provider_id, "service": provider.service, "email": provider.email}
            lines.append(who | {"connected_at": datetime.now(UTC).isoformat()} | grant)
        await self.command("connections", "import", "-", stdin="".join(json.dumps(line) + "\n" for line in lines))

    async def publish(self, lines: Sequence[Line], *, by_command: bool = True) -> None:
        """In each class's order. What `impact-calendar publish` takes goes through it; bad lines and binary mode as raw records."""
        raw = lines
        if by_command:
            others = {line.key for line in lines if not _is_plain(line)}
            raw = [line for line in lines if line.key in others]
            text = b"".join((line.value or b"") + b"\n" for line in lines if line.key not in others)
            await self.command("publish", "-", stdin=text.decode())
        await self.publish_raw(raw)

    async def publish_raw(self, lines: Iterable[Line]) -> None:
        topic = self.settings.topics.class_events
        sends = [await self.producer.send(topic, line.value, key=line.key, headers=list(line.headers)) for line in lines]
        await asyncio.gather(*sends)


def _is_plain(line: Line) -> bool:
    """A good line in structured mode. A class of which all lines are such can be published from a file."""
    content_type = dict(line.headers).get("content-type", _CLOUD_EVENT.encode())
    return line.expect in ("next", "gap", "repeat") and content_type.startswith(_CLOUD_EVENT.encode())


@asynccontextmanager
async def run_system(env: Mapping[str, str], directory: Path) -> AsyncIterator[System]:
    """Topics and the sandbox stand, no worker runs yet. At the end every process is ended: politely, or killed after a failure."""
    async with AsyncExitStack() as stack:
        sandbox = await stack.enter_async_context(run_sandbox(env, directory))
        producer = AIOKafkaProducer(bootstrap_servers=env["IMPACT_KAFKA_BOOTSTRAP_SERVERS"], enable_idempotence=True)
        await producer.start()
        stack.push_async_callback(producer.stop)
        system = System(env={**env, **sandbox.env}, directory=directory, sandbox=sandbox, producer=producer)
        await system.command("topics", "apply")
        try:
            yield system
        except BaseException:
            _end(system, politely=False)
            raise
        _end(system, politely=True)


def _end(system: System, *, politely: bool) -> None:
    running = [worker for worker in system.workers.values() if worker.started]
    for worker in running:
        if politely:
            assert worker.terminate() == 0, f"{worker.name} did not end cleanly:\n{worker.output[-3000:]}"
        else:
            worker.kill()
