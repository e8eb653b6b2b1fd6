"""A real single-node Apache Kafka (KRaft) on this machine, for development, the demo and the tests.

`LocalKafka` is a child of this process; `run` turns this process into the broker, for the command `impact-calendar kafka`.
"""

import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import NoReturn, Self

from infra.kafka.config import Extra
from infra.kafka.errors import BrokerError
from infra.kafka.launch import HOST, Launch, prepare
from infra.kafka.ready import wait_until_serving

__all__ = ["BrokerError", "LocalKafka", "run"]

STOP_SECONDS = 20.0
#: Ends the broker when the pipe from its parent closes, so that a parent that was killed leaves no broker behind.
_WATCHDOG = 'read -r _; kill -9 "$1"; shift; "$@"'


class LocalKafka:
    """One broker over one data directory. `port` 0 takes a free one; `data_dir` is made, and kept after the stop. `extra`: more listeners.

    start() and stop() block, work from a thread with or without a running event loop, and may be repeated: a stopped or killed broker
    starts again on the same port with what it held.
    """

    def __init__(self, *, data_dir: Path, port: int = 0, cache: Path | None = None, extra: Extra | None = None) -> None:
        self.data_dir = data_dir.resolve()
        self._port = port
        self._cache = cache
        self._extra = extra
        self._process: subprocess.Popen[bytes] | None = None
        self._watchdog: subprocess.Popen[bytes] | None = None
        self._launch: Launch | None = None

    @property
    def port(self) -> int:
        """0 before the first start, when no port was asked for."""
        return self._port

    @property
    def bootstrap_servers(self) -> str:
        return f"{HOST}:{self._port}"

    @property
    def log_file(self) -> Path:
        return self._launch.log_file if self._launch is not None else self.data_dir / "broker.log"

    @property
    def pid(self) -> int | None:
        """The broker's process id while it runs."""
        return self._process.pid if self._process is not None else None

    def start(self, timeout: float = 60.0) -> None:
        """Returns when an admin client got an answer.

        Raises BrokerError: java or mvn is missing and no Docker answers, port or directory is taken, no answer in `timeout` seconds.
        """
        if self._process is not None:
            return
        self._launch = launch = prepare(self._port, self.data_dir, self._cache, self._extra)
        self._port = launch.port
        with launch.lock as lock, (self.data_dir / "broker.out").open("ab") as out:
            # A session of its own: Ctrl-C stops the callers first, who then stop the broker. From here on the broker alone holds the lock.
            self._process = subprocess.Popen(
                launch.command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True, pass_fds=(lock.fileno(),)
            )
        self._watchdog = subprocess.Popen(
            ["/bin/sh", "-c", _WATCHDOG, "sh", str(self._process.pid), *(launch.remove or ["true"])],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            wait_until_serving(self._process, self.bootstrap_servers, launch.log_file, timeout)
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
            if self._launch is not None and self._launch.remove is not None:
                subprocess.run(self._launch.remove, capture_output=True, check=False, stdin=subprocess.DEVNULL)
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
    launch = prepare(port, data_dir.resolve(), cache)
    sys.stdout.flush()
    held = f"data in {data_dir.resolve()}, log in {launch.log_file}" if launch.remove is None else "data in a Docker volume, log below"
    sys.stderr.write(f"Apache Kafka: {HOST}:{launch.port}, {held}\n")
    sys.stderr.flush()
    os.set_inheritable(launch.lock.fileno(), True)
    os.execv(launch.command[0], launch.command)  # noqa: S606 - no shell is wanted


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
