"""Brokers whose bounds for a session are narrower than ours: no worker would ever get into its group, so it ends and names the setting."""

import asyncio
import sys
from pathlib import Path

import pytest

from tests.support.processes import Worker, run_command

pytestmark = pytest.mark.kafka

#: The command with bounds so wide that the brokers' own, Kafka's defaults, are the narrower ones.
COMMAND = """
import streams.settings
streams.settings.SESSION_BOUNDS = ("6s", "1d")
from streams.cli.main import main
main()
"""


@pytest.mark.parametrize("name", ["fold", "redeliver"])
async def test_a_worker_whose_session_the_brokers_refuse_ends_and_names_the_setting(
    settings_env: dict[str, str], name: str, tmp_path: Path
) -> None:
    env = settings_env | {"IMPACT_SESSION_TIMEOUT": "5h"}
    applied = await asyncio.to_thread(run_command, "topics", "apply", env=settings_env)
    assert applied.returncode == 0, applied.stderr
    worker = Worker(name, env=env, log=tmp_path / "worker.log", command=(sys.executable, "-c", COMMAND)).start()
    try:
        code = await asyncio.to_thread(worker.wait)
    finally:
        if worker.running:
            worker.kill()
    assert code == 2, worker.output
    assert worker.output.splitlines()[-1] == (
        "impact-calendar: IMPACT_SESSION_TIMEOUT is 18000s, which the brokers refuse. It expects a time within their "
        "group.min.session.timeout.ms and group.max.session.timeout.ms. Example: IMPACT_SESSION_TIMEOUT=30s"
    )
