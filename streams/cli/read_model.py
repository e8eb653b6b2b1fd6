"""`read-model`: thin over the app module."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.environment import worker_settings
from streams.settings import Settings

if TYPE_CHECKING:
    from rich.progress import Progress

__all__ = ["read_model"]


def read_model(
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Drop the read model, build it anew from the topics, and end.")] = False,
) -> None:
    """Keep the database that the portal and `why` read. Runs until SIGTERM; one process writes, others stand by."""
    settings = worker_settings()
    from streams.cli.errors import CommandError
    from streams.engine.health import MetricsPortError
    from streams.engine.not_ready import NotReadyError

    try:
        if rebuild:
            _rebuild(settings)
        else:
            from streams.projection import run

            run(settings)
    except (MetricsPortError, NotReadyError) as error:
        raise CommandError(str(error)) from None


def _rebuild(settings: Settings) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    from streams.cli.errors import CommandError
    from streams.cli.output import say
    from streams.projection import rebuild

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as shown:
        bar = _Bar(shown)
        done = rebuild(settings, bar)
    if not done:
        raise CommandError("stopped before the read model was whole; `impact-calendar read-model` goes on where it is")
    say(f"the read model was built anew from {bar.total} records")


class _Bar:
    """What is left, as a progress bar: the first look says how much there is."""

    def __init__(self, progress: "Progress") -> None:
        self._progress = progress
        self._task = progress.add_task("records", total=None)
        self.total = 0

    def progressed(self, left: Mapping[tuple[str, int], int]) -> None:
        remaining = sum(left.values())
        self.total = max(self.total, remaining)
        self._progress.update(self._task, total=self.total, completed=self.total - remaining)
