"""A port that is taken is told in one line, with the option or the setting that chooses another."""

import base64
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.ports import free_port
from tests.support.processes import Worker, run_command


@pytest.fixture
def taken() -> Iterator[str]:
    """A port that another process listens on."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield str(other.getsockname()[1])


@pytest.mark.parametrize("command", ["redeliver", "read-model"])
def test_a_metrics_port_that_is_taken_is_named_with_exit_1(unreachable: dict[str, str], taken: str, command: str) -> None:
    done = run_command(command, env=unreachable | {"IMPACT_METRICS_PORT": taken})
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1] == (
        f"impact-calendar: port {taken} cannot be listened on: Address already in use. "
        "Set IMPACT_METRICS_PORT to one that is free, or to 0 for none"
    )


def test_a_taken_port_of_the_portal_is_named_with_exit_1(unreachable: dict[str, str], taken: str) -> None:
    portal = {
        "IMPACT_PORTAL_URL": f"http://127.0.0.1:{taken}",
        "IMPACT_SESSION_KEY": base64.b64encode(bytes(32)).decode(),
        "IMPACT_OIDC_ISSUER": "https://issuer.example",
        "IMPACT_OIDC_CLIENT_ID": "id",
        "IMPACT_OIDC_CLIENT_SECRET": "secret",
    }
    done = run_command("portal", "--port", taken, env=unreachable | portal)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1] == (
        f"impact-calendar: port {taken} of 127.0.0.1 cannot be used: Address already in use. Choose others with --host and --port."
    )


def test_a_sandbox_says_that_it_is_there_only_when_it_is(unreachable: dict[str, str], taken: str) -> None:
    done = run_command("sandbox", "--port", taken, env=unreachable)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"impact-calendar: port {taken} of 127.0.0.1 cannot be used: Address already in use. Choose another with --port.\n"
    )


async def test_a_running_sandbox_tells_how_to_ask_for_its_settings(unreachable: dict[str, str], tmp_path: Path) -> None:
    port = free_port()
    with Worker("sandbox", "--port", str(port), env=unreachable, log=tmp_path / "sandbox.log") as sandbox:
        await sandbox.wait_for_output(rf"http://127.0.0.1:{port}; `impact-calendar sandbox --port {port} --print-env`")
