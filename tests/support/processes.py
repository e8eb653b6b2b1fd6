"""Processes of the product, started as an operator starts them, with their output in a file."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from tests.support.waiting import eventually

__all__ = ["COMMAND", "Worker", "has_ended", "run_command"]

COMMAND = str(Path(sys.executable).with_name("impact-calendar"))


def run_command(*args: str, env: Mapping[str, str], stdin: str = "", timeout: float = 120.0) -> subprocess.CompletedProcess[str]:
    """Run `impact-calendar ARGS` to its end; `stdin` is what it reads there."""
    return subprocess.run([COMMAND, *args], env=dict(env), input=stdin, capture_output=True, text=True, timeout=timeout)


def has_ended(process: psutil.Process) -> bool:
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:  # it was reaped between the two questions
        return True


class Worker:
    """`impact-calendar ARGS` as a process of its own, in a session of its own; both its streams go to `log`, which restarts append to.

    Leaving the `with` block terminates it, and kills it when it does not end.
    """

    def __init__(self, *args: str, env: Mapping[str, str], log: Path, command: Sequence[str] = (COMMAND,)) -> None:
        self.args = args
        self.env = dict(env)
        self.log = log
        self._command = [*command, *args]
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0

    def start(self) -> Self:
        """Also after a stop or a kill: the same command again."""
        assert self._process is None, f"{self.name} runs already"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as out:
            self._started_at = out.tell()
            self._process = subprocess.Popen(
                self._command, env=self.env, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
            )
        return self

    @property
    def name(self) -> str:
        return " ".join(self.args)

    @property
    def pid(self) -> int:
        assert self._process is not None, f"{self.name} does not run"
        return self._process.pid

    @property
    def started(self) -> bool:
        """Started, and not ended by the test: it may have ended by itself."""
        return self._process is not None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def output(self) -> str:
        """Everything it wrote since the last start."""
        return self.log.read_bytes()[self._started_at :].decode(errors="replace") if self.log.exists() else ""

    async def wait_for_output(self, pattern: str, *, timeout: float = 120.0) -> re.Match[str]:
        """Until the output since the last start matches; AssertionError with the end of the log when it ends first or takes too long."""

        async def matches() -> re.Match[str] | None:
            if (found := re.search(pattern, self.output)) is None and not self.running:
                raise ProcessEndedError(f"{self.name} ended before its output showed {pattern!r}:\n{self.output[-3000:]}")
            return found

        found = await eventually(matches, what=f"{pattern!r} in the output of {self.name}", timeout=timeout)
        assert found is not None
        return found

    def send_signal(self, number: signal.Signals) -> None:
        """To the process alone, as `kill` does."""
        os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL, and wait for the end."""
        self._end(signal.SIGKILL, timeout=30)

    def terminate(self, timeout: float = 60.0) -> int:
        """SIGTERM; the exit code. AssertionError when it is still there after `timeout` seconds (it is killed then)."""
        return self._end(signal.SIGTERM, timeout=timeout)

    def wait(self, timeout: float = 120.0) -> int:
        """The exit code of a process that ends by itself."""
        assert self._process is not None, f"{self.name} does not run"
        code = self._process.wait(timeout)
        self._process = None
        return code

    def _end(self, number: signal.Signals, timeout: float) -> int:
        process = self._process
        assert process is not None, f"{self.name} does not run"
        self._process = None
        if process.poll() is None:
            os.kill(process.pid, number)
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"{self.name} did not end within {timeout:.0f} s of {number.name}:\n{self.output[-3000:]}") from None
        finally:
            _kill_session(process.pid)
        return code

    def __enter__(self) -> Self:
        return self.start() if self._process is None else self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._process is None:
            return
        if kind is None:
            self.terminate()
        else:
            self.kill()


class ProcessEndedError(Exception):
    """A process ended where it should have gone on."""


def _kill_session(leader: int) -> None:
    """What the process left behind, if anything."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return
