"""`impact-calendar kafka`: a broker in the foreground, killed and started again."""

import os
import signal
import socket
from pathlib import Path

import pytest

from tests.support.ports import free_port
from tests.support.processes import Worker, run_command

pytestmark = pytest.mark.kafka


@pytest.fixture
def port() -> int:
    return free_port()


async def test_the_broker_serves_again_after_a_kill_and_ends_cleanly_on_sigterm(
    tmp_path: Path, port: int, settings_env: dict[str, str]
) -> None:
    env = settings_env | {"IMPACT_KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{port}"}
    with Worker("kafka", "--port", str(port), "--data-dir", str(tmp_path / "k"), env=env, log=tmp_path / "kafka.log") as broker:
        await broker.wait_for_output("Kafka Server started")
        assert run_command("topics", "apply", env=env).returncode == 0
        broker.kill()
        broker.start()
        await broker.wait_for_output("Kafka Server started")
        check = run_command("topics", "check", env=env)
        assert (check.returncode, check.stderr) == (0, "")
        assert broker.terminate() in (0, 128 + signal.SIGTERM)


async def test_a_second_broker_over_the_same_directory_is_refused_and_the_first_serves_on(
    tmp_path: Path, port: int, settings_env: dict[str, str]
) -> None:
    env = settings_env | {"IMPACT_KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{port}"}
    with Worker("kafka", "--port", str(port), "--data-dir", str(tmp_path / "k"), env=env, log=tmp_path / "kafka.log") as broker:
        await broker.wait_for_output("Kafka Server started")
        written = (tmp_path / "k" / "server.properties").read_bytes()
        second = run_command("kafka", "--port", "0", "--data-dir", str(tmp_path / "k"), env=env)
        assert (second.returncode, second.stderr) == (
            1,
            f"impact-calendar: the directory {tmp_path / 'k'} is in use by another broker; choose another with --data-dir.\n",
        )
        assert (tmp_path / "k" / "server.properties").read_bytes() == written
        assert run_command("topics", "apply", env=env).returncode == 0


def test_a_directory_that_cannot_be_written_ends_with_exit_1_and_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = run_command("kafka", "--port", "0", "--data-dir", str(tmp_path / "file" / "k"), env=dict(os.environ))
    assert (done.returncode, done.stderr) == (
        1,
        f"impact-calendar: the directory {tmp_path / 'file' / 'k'} cannot be written: Not a directory. Choose another with --data-dir.\n",
    )


def test_a_taken_port_ends_with_exit_1_and_its_number(tmp_path: Path, settings_env: dict[str, str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run_command("kafka", "--port", str(port), "--data-dir", str(tmp_path / "k"), env=settings_env)
    assert done.returncode == 1
    assert f"port {port} of 127.0.0.1 cannot be used" in done.stderr
    assert "--port" in done.stderr
    assert "--data-dir" in done.stderr
