"""A directory of its own for each worker process on a machine: RocksDB locks its files, and a restart wants to find its own again."""

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO

__all__ = ["Slot", "claim_slot"]


@dataclass(frozen=True)
class Slot:
    """The lock lasts as long as `lock` is open; the kernel releases it when the process dies, however it dies."""

    directory: Path
    lock: IO[str]


def claim_slot(data_dir: Path, name: str) -> Slot:
    """The first free of `<data_dir>/<name>-0`, `-1`, ... Raises OSError when the directory cannot be written."""
    number = 0
    while True:
        directory = data_dir / f"{name}-{number}"
        directory.mkdir(parents=True, exist_ok=True)
        lock = open(directory / "lock", "a")  # noqa: SIM115 - held for the life of the process
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            number += 1
            continue
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        return Slot(directory, lock)
