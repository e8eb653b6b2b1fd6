"""Commands of this product as child processes, none of which outlives this process."""

import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from streams.cli.errors import CommandError

__all__ = ["Child", "ChildEndedError", "Family"]

#: Leads the process group of the children, and kills it when the pipe from this process closes: also after a SIGKILL of this process.
_WATCHDOG = "read -r _; kill -9 0"
_TAIL_LINES = 12
#: Seconds for an orderly end; SIGKILL then.
_GRACE = 15.0


class ChildEndedError(CommandError):
    """A child ended, or did not start, where it should run; tells the end of its log and where the log is."""


class Child:
    """One command; what it writes goes to `log`, which a restart appends to."""

    def __init__(self, name: str, args: tuple[str, ...], env: Mapping[str, str], *, log: Path, group: int, ends_last: bool) -> None:
        self.name = name
        self.log = log
        self.ends_last = ends_last
        self._command = [sys.executable, "-P", "-m", "streams.cli.main", *args]
        self._env = dict(env)
        self._group = group
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as out:
            self._process = subprocess.Popen(
                self._command, env=self._env, stdin=subprocess.DEVNULL, stdout=out, stderr=out, process_group=self._group
            )

    def kill(self) -> None:
        """SIGKILL, and wait for the end."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def terminate(self) -> None:
        """SIGTERM; returns at once."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def wait(self, deadline: float) -> None:
        """For the end, until `deadline` (monotonic seconds); SIGKILL then."""
        if self._process is None:
            return
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(max(deadline - time.monotonic(), 0))
        self.kill()

    def require_running(self) -> None:
        """Raises ChildEndedError when it ended by itself."""
        if self._process is not None and (code := self._process.poll()) is not None:
            raise ChildEndedError(self.trouble(f"ended with exit code {code}"))

    def trouble(self, what: str) -> str:
        """`what` happened, with the last lines of the log."""
        lines = self.log.read_text(errors="replace").splitlines()[-_TAIL_LINES:] if self.log.exists() else []
        said = "".join(f"\n  {line}" for line in lines) or "\n  (nothing)"
        return f"{self.name} {what}. The end of its log {self.log}:{said}"


class Family:
    """The children, in the order in which they were started. Leaving the `with` block ends them all."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._children: list[Child] = []
        self._watchdog: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Family":
        self._logs.mkdir(parents=True, exist_ok=True)
        self._watchdog = subprocess.Popen(["/bin/sh", "-c", _WATCHDOG], stdin=subprocess.PIPE, process_group=0)
        return self

    def __exit__(self, *_error: object) -> None:
        """Blocks: nothing may interrupt it."""
        for last in (False, True):
            ending = [child for child in self._children if child.ends_last is last]
            for child in ending:
                child.terminate()
            deadline = time.monotonic() + _GRACE
            for child in ending:
                child.wait(deadline)
        watchdog, self._watchdog = self._watchdog, None
        if watchdog is not None:
            watchdog.kill()
            watchdog.wait()
            if watchdog.stdin is not None:
                watchdog.stdin.close()

    def start(self, name: str, *args: str, env: Mapping[str, str], ends_last: bool = False) -> Child:
        """`args`: of the command, when they are more than its name. `ends_last`: others need it as long as they run."""
        if self._watchdog is None:
            raise RuntimeError("the family is not together")
        log = self._logs / f"{name}.log"
        child = Child(name, args or (name,), env, log=log, group=self._watchdog.pid, ends_last=ends_last)
        self._children.append(child)
        child.start()
        return child

    def require_running(self) -> None:
        """Raises ChildEndedError when a child ended by itself."""
        for child in self._children:
            child.require_running()
