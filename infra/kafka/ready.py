"""Waiting for a broker until an admin client gets an answer from it."""

import asyncio
import logging
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from infra.kafka.errors import BrokerError

__all__ = ["serves", "wait_until_serving"]


def wait_until_serving(process: subprocess.Popen[bytes], address: str, log_file: Path, timeout: float) -> None:
    """Raises BrokerError with the end of the log when the process ends first, or after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    # In a thread of its own, since the caller's may run an event loop.
    with ThreadPoolExecutor(max_workers=1) as pool:
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise BrokerError(f"the broker ended with exit code {process.returncode}; its log is {log_file}\n{_tail(log_file)}")
            if pool.submit(asyncio.run, serves(address)).result():
                return
            time.sleep(0.1)
    raise BrokerError(f"the broker did not answer within {timeout:.0f} s; its log is {log_file}\n{_tail(log_file)}")


async def serves(address: str) -> bool:
    """Whether an admin client gets the list of topics from the broker at `address`, host:port."""
    host, _, port = address.partition(":")
    with socket.socket() as probe:
        probe.settimeout(1)
        if probe.connect_ex((host, int(port))) != 0:
            return False
    with _no_complaints():
        admin = AIOKafkaAdminClient(bootstrap_servers=address, request_timeout_ms=5000)
        try:
            await admin.start()
            await admin.list_topics()
        except (KafkaError, OSError):
            return False
        finally:
            await admin.close()
    return True


@contextmanager
def _no_complaints() -> Iterator[None]:
    """A port that a container does not serve yet takes connections and closes them; the client would log an error for each."""
    log = logging.getLogger("aiokafka")
    before, log.disabled = log.disabled, True
    try:
        yield
    finally:
        log.disabled = before


def _tail(path: Path, lines: int = 20) -> str:
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) if path.exists() else ""
