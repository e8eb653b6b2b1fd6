"""`portal`: the web pages."""

from typing import Annotated

import typer

from streams.cli.environment import worker_settings
from streams.cli.errors import CommandError

__all__ = ["portal"]


def portal(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.", min=1, max=65535)] = 8000,
) -> None:
    """Serve the web pages where providers connect their calendars. Runs until SIGTERM; any number of processes.

    People reach it at IMPACT_PORTAL_URL; behind a proxy that ends TLS, that is the proxy's address.
    """
    settings = worker_settings()
    settings.portal.require()
    from streams.portal_app import CannotListenError, run

    try:
        run(settings, host=host, port=port)
    except CannotListenError as error:
        raise CommandError(f"{error}. Choose others with --host and --port.") from None
