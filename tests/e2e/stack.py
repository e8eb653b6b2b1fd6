"""The running system: sandbox, fold, execute and redelivery as processes of their own, started by the installed command."""

import base64
import secrets
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from infra.sandbox.config import SandboxConfig
from schemas.topics import Topics
from streams.settings import Settings
from tests.support.ports import free_port
from tests.support.processes import ProcessEndedError, Worker, run_command
from tests.support.waiting import eventually_sync

__all__ = ["WORKERS", "Stack", "reachable", "worker_env"]

WORKERS = ("fold", "execute", "redeliver")


def reachable(url: str) -> bool:
    """Whether a GET is answered with 200."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def worker_env(inherited: Mapping[str, str], *, kafka: str, prefix: str, directory: Path, sandbox_url: str) -> dict[str, str]:
    """Settings for short waits between retries: 1 s and 2 s, so an intent is tried three times.

    Calls and sessions have the time that they have by default: a machine that stands still for some seconds must not look like a service
    that does not answer, nor end a worker.
    """
    kept = {name: value for name, value in inherited.items() if not name.startswith("IMPACT_")}
    return {
        **kept,
        "IMPACT_KAFKA_BOOTSTRAP_SERVERS": kafka,
        "IMPACT_TOPIC_PREFIX": prefix,
        "IMPACT_TOPIC_PARTITIONS": "4",
        "IMPACT_RETRY_TIERS": "1s,2s",
        "IMPACT_DATA_DIR": str(directory / "data"),
        "IMPACT_VAULT_KEYS": "test:" + base64.b64encode(secrets.token_bytes(32)).decode(),
        **SandboxConfig().env(sandbox_url),
    }


class Stack:
    """One set of processes over topics of its own. `workers` and their metrics ports go by the command's name."""

    def __init__(self, env: Mapping[str, str], directory: Path, sandbox_port: int) -> None:
        self.env = dict(env)
        self.directory = directory
        self.sandbox_url = f"http://127.0.0.1:{sandbox_port}"
        self.sandbox = Worker("sandbox", "--port", str(sandbox_port), "--transaction-race", env=self.env, log=directory / "sandbox.log")
        self.ports = {name: free_port() for name in WORKERS}
        self.workers = {
            name: Worker(name, env={**self.env, "IMPACT_METRICS_PORT": str(port)}, log=directory / f"{name}.log")
            for name, port in self.ports.items()
        }

    @property
    def settings(self) -> Settings:
        return Settings.from_env(self.env)

    @property
    def topics(self) -> Topics:
        return self.settings.topics

    @property
    def logs(self) -> dict[str, bytes]:
        """Everything that the processes wrote so far, restarts included."""
        return {path.name: path.read_bytes() for path in self.directory.glob("*.log")}

    def check_alive(self) -> None:
        """ProcessEndedError, with the end of its log, for a process that should run and does not."""
        for process in self._processes:
            if not process.running:
                raise ProcessEndedError(f"{process.name} ended:\n{process.output[-3000:]}")

    def __enter__(self) -> Self:
        self.directory.mkdir(parents=True, exist_ok=True)
        applied = run_command("topics", "apply", env=self.env)
        assert applied.returncode == 0, applied.stderr
        try:
            for process in self._processes:
                process.start()
            self.wait_until_healthy()
        except BaseException:
            self._kill()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._kill()

    def wait_until_healthy(self) -> None:
        """Until the sandbox and every worker answer."""
        urls = {"sandbox": self.sandbox_url} | {name: f"http://127.0.0.1:{port}" for name, port in self.ports.items()}
        for name, url in urls.items():

            def healthy(url: str = url) -> bool:
                self.check_alive()
                return reachable(f"{url}/healthz")

            eventually_sync(healthy, what=f"{name} to be healthy", timeout=120)

    @property
    def _processes(self) -> tuple[Worker, ...]:
        return (self.sandbox, *self.workers.values())

    def _kill(self) -> None:
        for process in self._processes:
            if process.running:
                process.kill()
