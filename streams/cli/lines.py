"""Files of one JSON document a line: numbering, what is wrong with which line, and reading twice."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from streams.cli.errors import InputError

__all__ = ["BadLine", "numbered", "opened", "refuse"]

_SHOWN = 20
_IN_MEMORY = 16 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class BadLine:
    """`reason` names the field. `number` counts from 1."""

    number: int
    reason: str

    def __str__(self) -> str:
        return f"line {self.number}: {self.reason}"


@contextmanager
def opened(path: str, *, to_disk: bool = True) -> Iterator[IO[bytes]]:
    """The file, or stdin for `-`, so that it can be read from the start again. Raises InputError.

    `to_disk`: whether what comes from stdin may lie in a temporary file meanwhile; not where tokens are in it.
    """
    if path == "-":
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY if to_disk else 0) as copy:  # 0: never to disk
            while block := sys.stdin.buffer.read(1024 * 1024):
                copy.write(block)
            copy.seek(0)
            yield copy
        return
    try:
        file = Path(path).open("rb")  # noqa: SIM115 - closed below; only the opening may fail as bad input
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    with file:
        yield file


def numbered(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """From the start: (number, line without its end). Blank lines count but are left out."""
    file.seek(0)
    for number, line in enumerate(file, start=1):
        stripped = line.strip()
        if stripped:
            yield number, stripped


def refuse(path: str, bad: list[BadLine]) -> InputError:
    """The error for lines that cannot be taken: the first twenty of them."""
    name = "stdin" if path == "-" else path
    more = f"\n  and {len(bad) - _SHOWN} lines more" if len(bad) > _SHOWN else ""
    shown = "".join(f"\n  {line}" for line in bad[:_SHOWN])
    return InputError(f"{name}: {len(bad)} bad line{'s' if len(bad) != 1 else ''}, nothing was sent{shown}{more}")
