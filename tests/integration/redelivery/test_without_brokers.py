"""Redelivery while no broker is there: it says so, keeps trying, and still stops when it is told to."""

import os
import sys
from pathlib import Path

from tests.support.processes import Worker

SCRIPT = """
import os
from streams.engine.logs import configure_logging
from streams.redelivery import run
from streams.settings import Settings
configure_logging("info")
run(Settings.from_env(os.environ))
"""


async def test_it_keeps_trying_and_stops_cleanly(tmp_path: Path) -> None:
    env = {name: value for name, value in os.environ.items() if not name.startswith("IMPACT_")}
    env["IMPACT_KAFKA_BOOTSTRAP_SERVERS"] = "127.0.0.1:1"
    process = Worker(env=env, log=tmp_path / "redeliver.log", command=(sys.executable, "-c", SCRIPT))
    process.start()
    await process.wait_for_output(r"tries again in 0\.5 s[\s\S]*tries again in 1\.0 s")
    assert process.terminate() == 0
    assert "Traceback" not in process.output
