"""`sandbox`: simulated calendar services and sign-in provider for development and tests."""

from typing import Annotated

import typer

from streams.cli.output import say

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

    say(f"Simulated calendars at http://{HOST}:{port}; `impact-calendar sandbox --print-env` tells the workers' settings.", error=True)
    run(HOST, port, config)
