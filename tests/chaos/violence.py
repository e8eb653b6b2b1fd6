"""What is done to workers in the middle of their work: killed, killed with their local files, frozen, joined and left by another."""

import asyncio
import contextlib
import logging
import random
import shutil
import signal
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from tests.support.histories import Line
from tests.support.processes import ProcessEndedError, Worker
from tests.support.run.system import READY, System

__all__ = ["SETTINGS", "freeze", "join_and_leave", "kill_again_and_again", "publish_slowly", "supervise", "supervised"]

log = logging.getLogger(__name__)

#: A dead worker's partitions move after the shortest session that a broker allows by default; a call is shorter.
SETTINGS = {"IMPACT_SESSION_TIMEOUT": "6s", "IMPACT_CALL_TIMEOUT": "2s"}
SESSION_SECONDS = 6.0
#: The last words of a worker that the brokers have thrown out of its group.
LEASE_LOST = "this worker ends at once"


async def kill_again_and_again(system: System, name: str, rng: random.Random, *, times: int, longest_life: float) -> None:
    """SIGKILL at random moments, often early in a life and now and then before the worker takes a record; restarted at once.

    Once, when there are several, its local files go too.
    """
    worker = system.workers[name]
    without_files = rng.randrange(times) if times > 1 else -1
    for number in range(times):
        if rng.random() < 0.75:
            with contextlib.suppress(ProcessEndedError):  # `kill` looks at why
                await worker.wait_for_output(READY[worker.args[0]])
        await asyncio.sleep(longest_life * rng.random() ** 2)
        kill(system, worker, with_files=number == without_files)
        worker.start()


def kill(system: System, worker: Worker, *, with_files: bool) -> None:
    """SIGKILL. AssertionError when it ended by itself before, unless a busy machine kept it from its brokers for a whole session."""
    pid = worker.pid
    assert worker.running or LEASE_LOST in worker.output, f"{worker.name} ended by itself:\n{worker.output[-3000:]}"
    worker.kill()
    log.info("killed %s%s", worker.log.stem, " and its files" if with_files else "")
    if with_files:
        for directory in _files_of(system, pid):
            shutil.rmtree(directory)


def _files_of(system: System, pid: int) -> list[Path]:
    """The directory that the process had claimed, if it came so far."""
    locks = Path(system.env["IMPACT_DATA_DIR"]).glob("*/lock")
    return [lock.parent for lock in locks if lock.read_text().strip() == str(pid)]


async def join_and_leave(system: System, command: str, rng: random.Random, *, times: int) -> None:
    """Another worker of the kind joins, works for a while and leaves: by SIGTERM and by SIGKILL in turn."""
    for number in range(times):
        worker = system.start(command, f"{command}-guest")
        with contextlib.suppress(ProcessEndedError):  # both ends look at why
            await worker.wait_for_output(READY[command])
        await asyncio.sleep(rng.uniform(0.5, 3))
        if number % 2:
            kill(system, worker, with_files=False)
        else:
            code = worker.terminate()
            assert code == 0 or LEASE_LOST in worker.output, f"{worker.name} did not leave cleanly:\n{worker.output[-3000:]}"


async def freeze(system: System, name: str, rng: random.Random, *, times: int) -> None:
    """SIGSTOP for longer than its session, then SIGCONT: it wakes up to find its partitions with somebody else.

    It may end then, with an exit status that is not zero; it is started anew, as its supervisor would.
    """
    worker = system.workers[name]
    for _ in range(times):
        await asyncio.sleep(rng.uniform(0.5, 4))
        worker.send_signal(signal.SIGSTOP)
        await asyncio.sleep(SESSION_SECONDS + rng.uniform(1, 5))
        worker.send_signal(signal.SIGCONT)
        await supervise(worker, seconds=rng.uniform(0.5, 3))


@contextlib.asynccontextmanager
async def supervised(system: System) -> AsyncIterator[None]:
    """Every worker that ends with an error is started again, as its supervisor would."""
    watch = asyncio.gather(*(supervise(worker, seconds=float("inf")) for worker in system.workers.values()))
    try:
        yield
        if watch.done():
            watch.result()
    finally:
        watch.cancel()


async def supervise(worker: Worker, *, seconds: float) -> None:
    """Start the worker again whenever it ends with an error, for so long."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not worker.running:
            code = worker.wait()
            assert code != 0, f"{worker.name} ended by itself as if it were done:\n{worker.output[-3000:]}"
            log.info("%s ended with %s", worker.log.stem, code)
            worker.start()
        await asyncio.sleep(0.2)


async def publish_slowly(system: System, slices: Sequence[Sequence[Line]], *, seconds: float) -> None:
    for lines in slices:
        await system.publish(lines, by_command=False)
        await asyncio.sleep(seconds / len(slices))
