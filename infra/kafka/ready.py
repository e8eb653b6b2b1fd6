"""Waiting for a broker until an admin client gets an answer from it."""

import asyncio
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from infra.kafka.errors import BrokerError

__all__ = ["wait_until_serving"]


def wait_until_serving(process: subprocess.Popen[bytes], address: str, log_file: Path, timeout: float) -> None:
    """Raises BrokerError with the end of the log when the process ends first, or after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    host, _, port = address.partition(":")
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise BrokerError(f"the broker ended with exit code {process.returncode}; its log is {log_file}\n{_tail(log_file)}")
        if _listens(host, int(port)) and _answers(address):
            return
        time.sleep(0.1)
    raise BrokerError(f"the broker did not answer within {timeout:.0f} s; its log is {log_file}\n{_tail(log_file)}")


def _listens(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((host, port)) == 0


def _answers(address: str) -> bool:
    """Whether an admin client gets the list of topics. In a thread of its own, since the caller's may run an event loop."""

    async def ask() -> bool:
        admin = AIOKafkaAdminClient(bootstrap_servers=address, request_timeout_ms=5000)
        try:
            await admin.start()
            await admin.list_topics()
        except (KafkaError, OSError):
            return False
        finally:
            await admin.close()
        return True

    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(asyncio.run, ask()).result()


def _tail(path: Path, lines: int = 20) -> str:
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) if path.exists() else ""
