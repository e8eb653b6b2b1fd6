"""The broker's data directory, held by one broker at a time: two over one log would both be its controller."""

import fcntl
from pathlib import Path
from typing import IO

from infra.kafka.errors import BrokerError

__all__ = ["hold"]


def hold(data_dir: Path) -> IO[bytes]:
    """Make the directory and lock it. Raises BrokerError: it cannot be written, or another broker holds it.

    The lock lasts as long as a process has the file open; the kernel releases it when the last one dies, however it dies. Whoever becomes
    or starts the broker passes it on.
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        lock = open(data_dir / "lock", "ab")  # noqa: SIM115 - held for the life of the broker
    except OSError as error:
        raise BrokerError(f"the directory {data_dir} cannot be written: {error.strerror}. Choose another with --data-dir.") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise BrokerError(f"the directory {data_dir} is in use by another broker; choose another with --data-dir.") from None
    return lock
