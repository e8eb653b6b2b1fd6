"""`demo`: what the operator types."""

import shutil
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from streams.cli.errors import InputError
from streams.cli.output import say

__all__ = ["demo"]


def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Stay up after the story, until Ctrl-C, and print the addresses.")] = False,
    data_dir: Annotated[
        Path | None, typer.Option(help="An empty or new directory for data and logs, kept. Default: a temporary one.")
    ] = None,
) -> None:
    """Tell a story on a real Kafka with simulated calendars, and verify each step of it. Needs nothing that is running.

    Exit 0 when everything held, 1 when something did not. IMPACT_... variables are not heeded.
    """
    from infra.kafka.container import forget
    from streams.cli.demo.run import run

    directory = _directory(data_dir)
    code = 1
    try:
        code = run(keep=keep, directory=directory)
    finally:
        if code == 1:
            say(f"Logs: {directory / 'logs'}", error=True)
        elif data_dir is None:
            forget(directory / "kafka")
            shutil.rmtree(directory, ignore_errors=True)
    raise typer.Exit(code)


def _directory(wanted: Path | None) -> Path:
    """Absolute. Raises InputError."""
    if wanted is None:
        return Path(tempfile.mkdtemp(prefix="impact-calendar-demo-"))
    try:
        wanted.mkdir(parents=True, exist_ok=True)
        used = next(wanted.iterdir(), None)
    except OSError as error:
        raise InputError(f"--data-dir {wanted}: {error.strerror}") from None
    if used is not None:
        raise InputError(f"--data-dir {wanted} is not empty; the story begins with an empty one")
    return wanted.resolve()
