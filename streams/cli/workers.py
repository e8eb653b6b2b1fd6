"""`fold`, `execute`, `redeliver`: thin over the app modules."""

from streams.cli.environment import worker_settings
from streams.cli.errors import CommandError

__all__ = ["execute", "fold", "redeliver"]


def fold() -> None:
    """Fold class events into intents. Runs until SIGTERM; any number of processes."""
    settings = worker_settings()
    from streams.fold_app import run

    run(settings)


def execute() -> None:
    """Put intents on the providers' calendars. Runs until SIGTERM; any number of processes."""
    settings = worker_settings()
    from streams.execute_app import run

    run(settings)


def redeliver() -> None:
    """Move retries back when they are due. Runs until SIGTERM; any number of processes."""
    settings = worker_settings()
    from streams.engine.health import MetricsPortError
    from streams.engine.not_ready import NotReadyError
    from streams.redelivery import run

    try:
        run(settings)
    except (MetricsPortError, NotReadyError) as error:
        raise CommandError(str(error)) from None
