"""How the broker is started here: with Java from its jars, or in a container where Java or Maven is missing and Docker answers."""

import base64
import shutil
import socket
import subprocess
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from infra.kafka.config import Extra, write_log_config, write_server_properties
from infra.kafka.container import container_command, docker_answers, fetch_image, remove_command
from infra.kafka.directory import hold
from infra.kafka.errors import BrokerError, MissingToolError
from infra.kafka.jars import ensure_jars, find_java
from infra.ports import HOST, free_ports

__all__ = ["HOST", "Launch", "prepare"]

#: It lives for minutes beside what it serves: less compiling and fewer collector threads leave more of a small machine to the others.
_JVM = ("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


@dataclass(frozen=True, kw_only=True)
class Launch:
    """`command` serves in the foreground, from a formatted directory or a volume.

    `remove`: ends what outlives a killed `command` (a container does); None where nothing can. `lock`: holds the directory; `command` has
    to inherit it, so that the directory is free when the broker has ended and not before.
    """

    port: int
    command: list[str]
    log_file: Path
    lock: IO[bytes]
    remove: list[str] | None = None


def prepare(port: int, data_dir: Path, cache: Path | None, extra: Extra | None = None) -> Launch:
    """Fetch, format and claim what the broker needs. `port` 0 takes a free one. Raises BrokerError; with `extra` Docker does not do."""
    lock = hold(data_dir)
    try:
        return _prepare(port, data_dir, cache, extra, lock)
    except BaseException:
        lock.close()
        raise


def _prepare(port: int, data_dir: Path, cache: Path | None, extra: Extra | None, lock: IO[bytes]) -> Launch:
    try:
        java, libs = find_java(), ensure_jars(cache)
    except MissingToolError:
        if extra is not None or not docker_answers():
            raise
        return _in_container(port, data_dir, lock)
    return _from_jars(java, libs, port, data_dir, extra or Extra(), lock)


def _from_jars(java: str, libs: Path, port: int, data_dir: Path, extra: Extra, lock: IO[bytes]) -> Launch:
    port, controller_port = _claim(port, 0)
    properties, log_config, log_file = data_dir / "server.properties", data_dir / "log4j2.xml", data_dir / "broker.log"
    write_server_properties(properties, port=port, controller_port=controller_port, log_dir=data_dir / "log", extra=extra)
    write_log_config(log_config, log_file=log_file)
    base = [java, *_JVM, "-Djava.awt.headless=true", f"-Dlog4j2.configurationFile={log_config}", "-cp", f"{libs}/*"]
    _format(base, properties, data_dir, extra.format)
    return Launch(port=port, command=[*base, "kafka.Kafka", str(properties)], log_file=log_file, lock=lock)


def _in_container(port: int, data_dir: Path, lock: IO[bytes]) -> Launch:
    """A container that a killed run left behind is ended first: it holds the port and the volume."""
    docker = shutil.which("docker") or "docker"
    fetch_image(docker)
    remove = remove_command(docker, data_dir)
    subprocess.run(remove, capture_output=True, check=False, stdin=subprocess.DEVNULL)
    (port,) = _claim(port)
    command = container_command(docker, port=port, data_dir=data_dir)
    return Launch(port=port, command=command, log_file=data_dir / "broker.out", lock=lock, remove=remove)


def _claim(*ports: int) -> list[int]:
    """Free ports, all different; an asked one (not 0) if it is free. Raises BrokerError."""
    others = (port for port in free_ports(len(ports)) if port not in ports)
    return [_asked(port) if port else next(others) for port in ports]


def _asked(port: int) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            advice = "Choose another with --port; a second broker needs a --data-dir of its own too."
            raise BrokerError(f"port {port} of {HOST} cannot be used: {error.strerror}. {advice}") from None
    return port


def _format(base: list[str], properties: Path, data_dir: Path, options: Sequence[str]) -> None:
    """Format the directory once; a directory formatted before is left as it is."""
    if (data_dir / "log" / "meta.properties").exists():
        return
    tool = [*base, "kafka.tools.StorageTool", "format", "--ignore-formatted", f"--cluster-id={_random_id()}", "-c", str(properties)]
    _capture([*tool, *options])


def _random_id() -> str:
    """As Kafka's own tool makes one, which would take a second Java machine its seconds to start."""
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()


def _capture(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise BrokerError(f"the broker's directory could not be formatted (exit {done.returncode}): {done.stderr[-2000:]}")
    return done.stdout
