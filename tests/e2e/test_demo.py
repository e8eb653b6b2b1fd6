"""`impact-calendar demo`, as somebody types it who has never seen the product: it starts everything, tells its story and cleans up."""

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import psutil
import pytest

from tests.support.processes import Worker, run_command
from tests.support.waiting import eventually

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]

#: What the caller's own deployment may have set, or mistyped: the demo must heed none of it.
FOREIGN = {
    "IMPACT_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
    "IMPACT_TOPIC_PREFIX": "foreign.",
    "IMPACT_VAULT_KEYS": "not a key",
    "IMPACT_GOOGLE_API_URL": "http://calendar.example",
    "IMPACT_RETRY_TIERS": "soon",
}

SCENES = (
    "Booked",
    "A second student",
    "Moved",
    "Another place",
    "Reassigned",
    "Cancelled",
    "Google throttles",
    "An answer is lost",
    "A false failure",
    "Bad input",
    "Removed by hand",
    "Killed",
    "Revoked",
    "Reconnected",
    "Looked over",
)


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    return {**os.environ, **FOREIGN, "TMPDIR": str(scratch)}


@pytest.fixture
def demo(env: dict[str, str], tmp_path: Path) -> Iterator[Worker]:
    """Without a terminal; killed after the test if it is still there."""
    with Worker("demo", env=env, log=tmp_path / "demo.out") as worker:
        yield worker


@pytest.fixture
def kept(env: dict[str, str], tmp_path: Path) -> Iterator[Worker]:
    with Worker("demo", "--keep", "--data-dir", str(tmp_path / "kept"), env=env, log=tmp_path / "kept.out") as worker:
        yield worker


def _children(demo: Worker) -> list[psutil.Process]:
    return psutil.Process(demo.pid).children(recursive=True)


async def _all_gone(processes: list[psutil.Process]) -> None:
    async def gone() -> bool:
        return not [process for process in processes if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]

    await eventually(gone, what="the end of every child process", timeout=10)


async def test_the_story_ends_by_itself_with_every_claim_verified_and_leaves_nothing_behind(demo: Worker, env: dict[str, str]) -> None:
    await demo.wait_for_output(r"\n 1  Booked", timeout=180)
    children = _children(demo)
    output = demo.log

    assert demo.wait(timeout=180) == 0, output.read_text()

    told = output.read_text()
    assert re.findall(r"^([ \d]\d)  (.+)$", told, flags=re.MULTILINE) == [(f"{n:>2}", title) for n, title in enumerate(SCENES, start=1)]
    claims = int(re.findall(r"All (\d+) claims hold", told)[0])
    assert claims > len(SCENES)
    assert len(re.findall(r" holds +\d+\.\d *$", told, flags=re.MULTILINE)) == claims
    assert "\x1b" not in told, "escape codes without a terminal"
    assert max(map(len, told.splitlines())) <= 100
    assert len(children) >= 5
    await _all_gone(children)
    assert os.listdir(env["TMPDIR"]) == []


async def test_kept_up_it_prints_addresses_that_serve_until_it_is_told_to_end(kept: Worker, env: dict[str, str], tmp_path: Path) -> None:
    await kept.wait_for_output(r"export IMPACT_SESSION_TIMEOUT=\S+\n", timeout=240)
    children = _children(kept)
    settings = dict(re.findall(r"^export (IMPACT_\w+)=(.*)$", kept.output, flags=re.MULTILINE))
    inherited = {name: value for name, value in env.items() if not name.startswith("IMPACT_")}

    status = run_command("status", "--json", env=inherited | settings)
    assert status.returncode == 0, status.stderr
    pages = re.findall(r"http://\S+/calendars/(?:google|microsoft)/\S+", kept.output)
    assert len(pages) == 4
    async with aiohttp.ClientSession(raise_for_status=True) as session:
        for page in pages:
            async with session.get(page) as answer:
                assert "@studio.example" in await answer.text()

    assert kept.terminate() == 0
    await _all_gone(children)
    assert (tmp_path / "kept" / "logs" / "execute.log").exists()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 130), (signal.SIGKILL, -signal.SIGKILL)])
async def test_interrupted_at_any_moment_it_leaves_no_process_behind(demo: Worker, number: signal.Signals, code: int) -> None:
    await demo.wait_for_output("sandbox +http://", timeout=120)
    children = _children(demo)

    demo.send_signal(number)

    assert demo.wait(timeout=60) == code
    assert children
    await _all_gone(children)


async def test_a_worker_that_dies_by_itself_ends_the_story_with_the_reason(demo: Worker) -> None:
    await demo.wait_for_output(r"\n 1  Booked", timeout=180)
    children = _children(demo)
    (fold,) = [process for process in children if process.cmdline()[-1] == "fold"]

    fold.kill()

    log = demo.log
    assert demo.wait(timeout=60) == 1
    assert "fold ended with exit code -9" in log.read_text()
    assert "fails" in log.read_text()
    await _all_gone(children)


async def test_what_does_not_start_is_shown_with_the_end_of_its_log(env: dict[str, str], tmp_path: Path) -> None:
    broken = tmp_path / "bin"
    broken.mkdir()
    java = broken / "java"
    java.write_text("#!/bin/sh\necho 'no memory for a virtual machine today' >&2\nexit 3\n")
    java.chmod(0o755)
    searched = {**env, "PATH": f"{broken}:{env['PATH']}", "JAVA_HOME": ""}

    done = run_command("demo", "--data-dir", str(tmp_path / "data"), env=searched, timeout=60)

    assert done.returncode == 1
    log = tmp_path / "data" / "logs" / "kafka.log"
    assert "kafka ended with exit code" in done.stdout
    assert str(log) in done.stdout.replace("\n", "")
    assert log.read_text().strip().splitlines()[-1] in done.stdout


def test_a_data_directory_that_is_in_use_is_refused(env: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "something").touch()
    done = run_command("demo", "--data-dir", str(tmp_path), env=env)
    assert done.returncode == 2
    assert "not empty" in done.stderr
