"""`impact-calendar demo`, as somebody types it who has never seen the product: it starts everything, tells its story and cleans up.

A whole story takes a while, so it is told to its end once; how it ends otherwise is shown in tests/unit/cli/test_demo_course.py.
"""

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest

from streams.cli.demo.portal import Portal
from tests.support.processes import COMMAND, Worker, has_ended, run_command
from tests.support.waiting import eventually

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(600)]

#: What the caller's own deployment may have set, or mistyped: the demo must heed none of it.
FOREIGN = {
    "IMPACT_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
    "IMPACT_TOPIC_PREFIX": "foreign.",
    "IMPACT_VAULT_KEYS": "not a key",
    "IMPACT_GOOGLE_API_URL": "http://calendar.example",
    "IMPACT_RETRY_TIERS": "soon",
    "IMPACT_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
}

SCENES = (
    "Connected",
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
    "Disconnected",
    "Looked over",
)

#: Claims of what only the portal's pages and the OAuth2 flow can show.
AT_THE_PORTAL = (
    "They came by OAuth2, with PKCE and state",
    "Each sees the account that is connected",
    "It is marked as on the calendar",
    "He is told that it ended, and why",
    "It is marked as on the calendar again",
    "Her upcoming classes are off her calendar",
    "The grant is revoked at Google",
    "She sees that she is not connected",
    "An administrator sees everybody's classes",
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
    with Worker("demo", "--keep", env=env, log=tmp_path / "kept.out") as worker:
        yield worker


def _children(demo: Worker) -> list[psutil.Process]:
    return psutil.Process(demo.pid).children(recursive=True)


async def _all_gone(processes: list[psutil.Process]) -> None:
    async def gone() -> bool:
        return all(has_ended(process) for process in processes)

    await eventually(gone, what="the end of every child process")


async def test_the_story_holds_and_is_kept_up_at_the_addresses_it_prints_until_ctrl_c(kept: Worker, env: dict[str, str]) -> None:
    await kept.wait_for_output(r"impact-calendar why \S+\n", timeout=400)
    children, told = _children(kept), kept.output
    commands = {word for child in children for word in child.cmdline()}
    _require_whole_story(told)
    _require_commands_work(told)
    await _require_pages_serve(told)

    kept.send_signal(signal.SIGINT)

    assert kept.wait() == 0
    assert {"sandbox", "fold", "execute", "redeliver", "read-model", "portal"} <= commands
    assert len(children) >= 7, "the broker is one more"
    await _all_gone(children)
    assert os.listdir(env["TMPDIR"]) == []


def _require_whole_story(told: str) -> None:
    assert re.findall(r"^([ \d]\d)  (.+)$", told, flags=re.MULTILINE) == [(f"{n:>2}", title) for n, title in enumerate(SCENES, start=1)]
    claims = int(re.findall(r"All (\d+) claims hold", told)[0])
    assert claims > len(SCENES)
    assert len(re.findall(r" holds +\d+\.\d *$", told, flags=re.MULTILINE)) == claims
    for claim in AT_THE_PORTAL:
        assert len(re.findall(rf"^    ✓ {re.escape(claim)}  ", told, flags=re.MULTILINE)) == 1, claim
    assert "\x1b" not in told, "escape codes without a terminal"
    story, _, addresses = told.partition("Everything stays up until Ctrl-C")
    assert max(map(len, story.splitlines())) <= 100
    assert "export" not in addresses, "keys belong into the file for the shell, not onto the screen"


def _require_commands_work(told: str) -> None:
    """With the file that is printed, as a shell reads it."""
    (file,) = re.findall(r"^    \. (\S+/env\.sh)$", told, flags=re.MULTILINE)
    assert Path(file).stat().st_mode & 0o077 == 0
    commands = [line.split() for line in re.findall(r"^    impact-calendar (.+)$", told, flags=re.MULTILINE)]
    assert [words[0] for words in commands] == ["status", "why"]
    status, why = (_in_shell(file, *words, "--json") for words in commands)
    assert status["connections"] == {"connected": 3, "needs_reconnect": 0, "disconnecting": 0, "disconnected": 1}
    assert [mark["mark"] for mark in why["marks"]] == ["synced"]


def _in_shell(file: str, *args: str) -> Any:
    env = {name: value for name, value in os.environ.items() if not name.startswith("IMPACT_")}
    command = ["sh", "-c", '. "$0"; exec "$@"', file, COMMAND, *args]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


async def _require_pages_serve(told: str) -> None:
    calendars = re.findall(r"http://\S+/calendars/(?:google|microsoft)/\S+", told)
    assert len(calendars) == 4
    async with aiohttp.ClientSession(raise_for_status=True) as session:
        for address in calendars:
            async with session.get(address) as answer:
                assert "@impact.example" in await answer.text()
    (portal,) = re.findall(r"^    portal +(http://\S+)/$", told, flags=re.MULTILINE)
    (day,) = re.findall(rf"^    classes +{portal}/manage/classes\S*on=(\S+)$", told, flags=re.MULTILINE)
    people = dict(re.findall(r"^    (\S+@impact\.example) .*(administrator|story|no calendar)", told, flags=re.MULTILINE))
    assert sorted(people.values()) == ["administrator"] + ["no calendar"] * 3 + ["story"] * 4
    (administrator,) = (email for email, part in people.items() if part == "administrator")
    newcomer = next(email for email, part in people.items() if part == "no calendar")
    async with Portal(portal) as visits:
        assert len(await (await visits.visit(administrator)).marks(date.fromisoformat(day))) == 20
        assert (await (await visits.visit(newcomer)).external()).state == "not_connected"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 130), (signal.SIGKILL, -signal.SIGKILL)])
async def test_interrupted_at_any_moment_it_leaves_no_process_behind(demo: Worker, number: signal.Signals, code: int) -> None:
    await demo.wait_for_output("sandbox +http://")
    children = _children(demo)

    demo.send_signal(number)

    assert demo.wait() == code
    assert children
    await _all_gone(children)


async def test_a_worker_that_dies_by_itself_ends_the_story_with_the_reason_and_keeps_the_logs(demo: Worker) -> None:
    await demo.wait_for_output(r"\n 1  Connected", timeout=180)
    children = _children(demo)
    (fold,) = [process for process in children if process.cmdline()[-1] == "fold"]

    fold.kill()

    log = demo.log
    assert demo.wait() == 1
    told = log.read_text()
    assert "fold ended with exit code -9" in told
    assert "fails" in told
    (logs,) = re.findall(r"^Logs: (\S+)$", told, flags=re.MULTILINE)
    assert (Path(logs) / "portal.log").exists()
    await _all_gone(children)


async def test_what_does_not_start_is_shown_with_the_end_of_its_log(env: dict[str, str], tmp_path: Path) -> None:
    broken = tmp_path / "bin"
    broken.mkdir()
    java = broken / "java"
    java.write_text("#!/bin/sh\necho 'no memory for a virtual machine today' >&2\nexit 3\n")
    java.chmod(0o755)
    searched = {**env, "PATH": f"{broken}:{env['PATH']}", "JAVA_HOME": ""}

    done = run_command("demo", "--data-dir", str(tmp_path / "data"), env=searched, timeout=120)

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
