"""A real single-node Apache Kafka (KRaft) on this machine, for development, the demo and the tests.

`LocalKafka` is a child of this process; `run` turns this process into the broker, for the command `impact-calendar kafka`.
"""

import asyncio
import os
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import NoReturn, Self

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from infra.kafka.config import write_log_config, write_server_properties
from infra.kafka.errors import BrokerError
from infra.kafka.jars import ensure_jars, find_java

__all__ = ["BrokerError", "LocalKafka", "run"]

HOST = "127.0.0.1"
STOP_SECONDS = 20.0
#: Kills the broker when the pipe from its parent closes, so that a parent that was killed leaves no broker behind.
_WATCHDOG = 'read -r _; kill -9 "$1" 2>/dev/null'


@dataclass(frozen=True, kw_only=True)
class _Prepared:
    """A formatted data directory and the command that serves it."""

    port: int
    command: list[str]
    log_file: Path


class LocalKafka:
    """One broker over one data directory. `port` 0 takes a free one; `data_dir` is made, and kept after the stop.

    start() and stop() block, work from a thread with or without a running event loop, and may be repeated: a stopped or killed broker
    starts again on the same port with what it held.
    """

    def __init__(self, *, data_dir: Path, port: int = 0, cache: Path | None = None) -> None:
        self.data_dir = data_dir.resolve()
        self._port = port
        self._cache = cache
        self._process: subprocess.Popen[bytes] | None = None
        self._watchdog: subprocess.Popen[bytes] | None = None

    @property
    def port(self) -> int:
        """0 before the first start, when no port was asked for."""
        return self._port

    @property
    def bootstrap_servers(self) -> str:
        return f"{HOST}:{self._port}"

    @property
    def log_file(self) -> Path:
        return self.data_dir / "broker.log"

    @property
    def pid(self) -> int | None:
        """The broker's process id while it runs."""
        return self._process.pid if self._process is not None else None

    def start(self, timeout: float = 60.0) -> None:
        """Returns when an admin client got an answer.

        Raises BrokerError: java or mvn is missing, the port is taken, no answer in `timeout` seconds.
        """
        if self._process is not None:
            return
        prepared = _prepare(self._port, self.data_dir, self._cache)
        self._port = prepared.port
        with (self.data_dir / "broker.out").open("ab") as out:
            # A session of its own: Ctrl-C stops the callers first, who then stop the broker.
            self._process = subprocess.Popen(prepared.command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)
        self._watchdog = subprocess.Popen(
            ["/bin/sh", "-c", _WATCHDOG, "sh", str(self._process.pid)], stdin=subprocess.PIPE, start_new_session=True
        )
        try:
            _wait_until_serving(self._process, self.bootstrap_servers, self.log_file, timeout)
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """SIGTERM, then SIGKILL after 20 s. Does nothing when the broker does not run."""
        self._end(grace=STOP_SECONDS)

    def kill(self) -> None:
        """SIGKILL, as a power cut would."""
        self._end(grace=0)

    def _end(self, grace: float) -> None:
        process, watchdog = self._process, self._watchdog
        self._process = self._watchdog = None
        if process is not None:
            _end_process(process, grace)
        if watchdog is not None:
            watchdog.kill()
            watchdog.wait()
            if watchdog.stdin is not None:
                watchdog.stdin.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()


def run(*, port: int, data_dir: Path, cache: Path | None = None) -> NoReturn:
    """Become the broker: this process is replaced, so that signals reach it directly and a kill leaves nothing behind.

    Raises BrokerError before that. Started again after any kind of end, it serves what the directory holds.
    """
    prepared = _prepare(port, data_dir.resolve(), cache)
    sys.stdout.flush()
    sys.stderr.write(f"Apache Kafka: {HOST}:{prepared.port}, data in {data_dir.resolve()}, log in {prepared.log_file}\n")
    sys.stderr.flush()
    os.execv(prepared.command[0], prepared.command)  # noqa: S606 - no shell is wanted


def _prepare(port: int, data_dir: Path, cache: Path | None) -> _Prepared:
    java = find_java()
    libs = ensure_jars(cache)
    port = _claim(port)
    data_dir.mkdir(parents=True, exist_ok=True)
    properties, log_config, log_file = data_dir / "server.properties", data_dir / "log4j2.xml", data_dir / "broker.log"
    write_server_properties(properties, port=port, controller_port=_claim(0), log_dir=data_dir / "log")
    write_log_config(log_config, log_file=log_file)
    base = [java, "-Xmx512m", "-Djava.awt.headless=true", f"-Dlog4j2.configurationFile={log_config}", "-cp", f"{libs}/*"]
    _format(base, properties, data_dir)
    return _Prepared(port=port, command=[*base, "kafka.Kafka", str(properties)], log_file=log_file)


def _claim(port: int) -> int:
    """A free port; the asked one if it is free. Raises BrokerError."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise BrokerError(f"port {port} of {HOST} cannot be used: {error.strerror}. Choose another with --port.") from None
        return int(probe.getsockname()[1])


def _format(base: list[str], properties: Path, data_dir: Path) -> None:
    """Format the directory once; a directory formatted before is left as it is."""
    if (data_dir / "log" / "meta.properties").exists():
        return
    tool = [*base, "kafka.tools.StorageTool"]
    cluster = _capture([*tool, "random-uuid"]).strip().splitlines()[-1]
    _capture([*tool, "format", "--ignore-formatted", "-t", cluster, "-c", str(properties)])


def _capture(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise BrokerError(f"the broker's directory could not be formatted (exit {done.returncode}): {done.stderr[-2000:]}")
    return done.stdout


def _wait_until_serving(process: subprocess.Popen[bytes], address: str, log_file: Path, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    host, _, port = address.partition(":")
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise BrokerError(f"the broker ended with exit code {process.returncode}; its log is {log_file}\n{_tail(log_file)}")
        if _listens(host, int(port)) and _answers(address):
            return
        time.sleep(0.1)
    raise BrokerError(f"the broker did not answer within {timeout:.0f} s; its log is {log_file}\n{_tail(log_file)}")


def _listens(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((host, port)) == 0


def _answers(address: str) -> bool:
    """Whether an admin client gets the list of topics. In a thread of its own, since the caller's may run an event loop."""

    async def ask() -> bool:
        admin = AIOKafkaAdminClient(bootstrap_servers=address, request_timeout_ms=5000)
        try:
            await admin.start()
            await admin.list_topics()
        except (KafkaError, OSError):
            return False
        finally:
            await admin.close()
        return True

    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(asyncio.run, ask()).result()


def _tail(path: Path, lines: int = 20) -> str:
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) if path.exists() else ""


def _end_process(process: subprocess.Popen[bytes], grace: float) -> None:
    if process.poll() is not None:
        return
    if grace > 0:
        process.terminate()
        try:
            process.wait(grace)
        except subprocess.TimeoutExpired:
            process.kill()
    else:
        process.kill()
    process.wait()
