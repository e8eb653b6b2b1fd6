"""`sandbox`: simulated calendar services for development and tests."""

from typing import Annotated

import typer

from streams.cli.output import say

__all__ = ["sandbox"]

HOST = "127.0.0.1"


def sandbox(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.", min=1, max=65535)] = 8100,
    print_env: Annotated[bool, typer.Option("--print-env", help="Print the settings that point the workers at it, and end.")] = False,
) -> None:
    """Run simulated Google and Microsoft calendars, in memory. Ctrl-C stops it."""
    if print_env:
        from infra.sandbox.config import SandboxConfig

        for name, value in SandboxConfig().env(f"http://{HOST}:{port}").items():
            say(f"export {name}={value}")
        return
    from infra.sandbox.server import run

    say(f"Simulated calendars at http://{HOST}:{port}; `impact-calendar sandbox --print-env` tells the workers' settings.", error=True)
    run(HOST, port)
