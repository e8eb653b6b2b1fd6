"""Workers that find no broker, or one that takes connections and answers nothing."""

import asyncio
import base64
import os
import sys
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.ports import free_port
from tests.support.processes import Worker, run_command
from tests.support.waiting import eventually

#: The command with little patience.
HASTY = """
import streams.engine.start
streams.engine.start.QUIET_SECONDS, streams.engine.start.PATIENCE_SECONDS = 0.2, 1.0
from streams.cli.main import main
main()
"""


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("IMPACT_")}
    return inherited | {
        "IMPACT_DATA_DIR": str(tmp_path / "data"),
        "IMPACT_VAULT_KEYS": "k:" + base64.b64encode(bytes(32)).decode(),
        "IMPACT_GOOGLE_CLIENT_ID": "id",
        "IMPACT_GOOGLE_CLIENT_SECRET": "secret",
    }


@pytest.fixture
async def silent_broker() -> AsyncIterator[str]:
    """Takes connections, and answers nothing."""

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(65536):
            pass
        writer.close()

    async with await asyncio.start_server(listen, "127.0.0.1", 0) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


def health(port: int) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
        return int(answer.status)


@pytest.mark.parametrize("name", ["fold", "execute"])
async def test_a_broker_that_is_down_is_told_in_one_line_by_its_setting(name: str, env: dict[str, str], tmp_path: Path) -> None:
    worker = Worker(name, env=env | {"IMPACT_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}, log=tmp_path / "worker.log").start()
    assert await asyncio.to_thread(worker.wait) == 1
    assert worker.output.splitlines()[-1] == (
        "impact-calendar: the worker stopped: BrokersUnreachableError: "
        "no Kafka broker could be reached: IMPACT_KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:1"
    )
    assert "Traceback" not in worker.output


async def test_the_read_models_writer_tells_it_too(env: dict[str, str]) -> None:
    done = await asyncio.to_thread(run_command, "read-model", env=env | {"IMPACT_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"})
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == ("impact-calendar: no Kafka broker could be reached: IMPACT_KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:1")
    assert "Traceback" not in done.stderr


async def test_a_worker_tells_that_it_is_alive_while_it_waits_for_a_silent_broker_and_stops_when_told(
    env: dict[str, str], silent_broker: str, tmp_path: Path
) -> None:
    port = free_port()
    env |= {"IMPACT_KAFKA_BOOTSTRAP_SERVERS": silent_broker, "IMPACT_METRICS_PORT": str(port)}
    worker = Worker("fold", env=env, log=tmp_path / "worker.log").start()
    try:

        async def alive() -> bool:
            assert worker.running, worker.output
            try:
                return await asyncio.to_thread(health, port) == 200
            except OSError:
                return False

        await eventually(alive, what="/healthz")
        assert await asyncio.to_thread(worker.terminate) == 0
    finally:
        if worker.running:
            worker.kill()
    assert "Traceback" not in worker.output


async def test_a_broker_that_stays_silent_is_told_on_the_way_and_ends_the_worker(
    env: dict[str, str], silent_broker: str, tmp_path: Path
) -> None:
    env |= {"IMPACT_KAFKA_BOOTSTRAP_SERVERS": silent_broker}
    worker = Worker("fold", env=env, log=tmp_path / "worker.log", command=(sys.executable, "-c", HASTY)).start()
    try:
        code = await asyncio.to_thread(worker.wait)
    finally:
        if worker.running:
            worker.kill()
    assert code == 1
    setting = f"IMPACT_KAFKA_BOOTSTRAP_SERVERS={silent_broker}"
    assert f"no Kafka broker has answered yet: {setting}" in worker.output
    last = worker.output.splitlines()[-1]
    assert last == f"impact-calendar: the worker stopped: BrokersUnreachableError: no Kafka broker answered within 1 s: {setting}"
    assert "Traceback" not in worker.output
