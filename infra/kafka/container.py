"""The same broker in a container, for machines that have Docker and no Java or Maven."""

import hashlib
import shutil
import subprocess
from pathlib import Path

from infra.kafka.config import SINGLE_NODE
from infra.kafka.errors import BrokerError

__all__ = ["IMAGE", "container_command", "container_name", "docker_answers", "fetch_image", "forget", "remove_command"]

IMAGE = "apache/kafka:4.1.0"
_DATA = "/var/lib/kafka/data"
_CONTROLLER_PORT = 9093


def docker_answers() -> bool:
    """Whether there is a docker client that reaches its engine."""
    docker = shutil.which("docker")
    if docker is None:
        return False
    return _run([docker, "info"]).returncode == 0


def container_name(data_dir: Path) -> str:
    """Of the container and of the volume: one for each data directory."""
    return "impact-kafka-" + hashlib.sha256(str(data_dir).encode()).hexdigest()[:12]


def container_command(docker: str, *, port: int, data_dir: Path) -> list[str]:
    """Runs in the foreground, and passes signals on to the broker. What it holds stays in a volume of its own."""
    settings = SINGLE_NODE | {
        "listeners": f"PLAINTEXT://:{port},CONTROLLER://:{_CONTROLLER_PORT}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "controller.quorum.voters": f"1@localhost:{_CONTROLLER_PORT}",
        "log.dirs": _DATA,
    }
    name = container_name(data_dir)
    command = [docker, "run", "--rm", "--name", name, "--publish", f"127.0.0.1:{port}:{port}", "--volume", f"{name}:{_DATA}"]
    for setting, value in settings.items():
        command += ["--env", f"KAFKA_{setting.upper().replace('.', '_')}={value}"]
    return [*command, IMAGE]


def fetch_image(docker: str) -> None:
    """Once; a later run finds it in the engine's store. Raises BrokerError."""
    if _run([docker, "image", "inspect", IMAGE]).returncode == 0:
        return
    pulled = _run([docker, "pull", IMAGE])
    if pulled.returncode != 0:
        raise BrokerError(f"docker could not fetch {IMAGE} (exit {pulled.returncode}): {pulled.stderr.strip()[-1000:]}")


def remove_command(docker: str, data_dir: Path) -> list[str]:
    """Ends the container at once, whoever started it; the volume stays."""
    return [docker, "rm", "--force", container_name(data_dir)]


def forget(data_dir: Path) -> None:
    """Throw away what an ended broker held: the directory and, when it ran in a container, the volume, which nobody would find again."""
    docker = shutil.which("docker")
    if docker is not None and not (data_dir / "server.properties").exists():
        _run([docker, "volume", "rm", container_name(data_dir.resolve())])
    shutil.rmtree(data_dir, ignore_errors=True)


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
