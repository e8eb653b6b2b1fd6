"""`sandbox`: simulated calendar services and sign-in provider for development and tests."""

from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.errors import CommandError
from streams.cli.output import say

if TYPE_CHECKING:
    from infra.sandbox.server import RunningSandbox

__all__ = ["sandbox"]

HOST = "127.0.0.1"


def sandbox(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.", min=1, max=65535)] = 8100,
    portal_url: Annotated[
        str, typer.Option(help="Where the portal is: its redirect addresses are registered.", envvar="IMPACT_PORTAL_URL")
    ] = "http://127.0.0.1:8000",
    transaction_race: Annotated[
        bool, typer.Option("--transaction-race", help="Of creates that are under way at once, Graph's transactionId stops none.")
    ] = False,
    print_env: Annotated[bool, typer.Option("--print-env", help="Print the settings that point the workers and the portal at it.")] = False,
) -> None:
    """Run simulated Google and Microsoft calendars and a sign-in provider, in memory. Ctrl-C stops it."""
    from infra.sandbox.config import SandboxConfig

    config = SandboxConfig(portal_url=portal_url, microsoft_transaction_race=transaction_race)
    if print_env:
        for name, value in config.env(f"http://{HOST}:{port}").items():
            say(f"export {name}={value}")
        return
    from infra.sandbox.server import run
    from streams.engine.listening import why_not

    try:
        run(HOST, port, config, on_ready=_tell)
    except OSError as error:
        problem = f"port {port} of {HOST} cannot be used: {why_not(error)}"
        raise CommandError(f"{problem}. Choose another with --port.") from None


def _tell(running: "RunningSandbox") -> None:
    hint = f"`impact-calendar sandbox --port {running.port} --print-env` tells the workers' settings."
    say(f"Simulated calendars at {running.base_url}; {hint}", error=True)
