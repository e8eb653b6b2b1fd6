"""The entry point: the commands, and what every one of them does with errors."""

import sys
from importlib.metadata import version as version_of
from typing import Annotated

import typer

from streams.cli import connections, kafka, portal, publish, read_model, sandbox, status, topics, why, workers
from streams.cli.demo import command as demo
from streams.cli.errors import CommandError
from streams.cli.output import say
from streams.settings import SettingError

__all__ = ["main"]


def show_version(wanted: bool) -> None:
    if wanted:
        say(f"impact-calendar {version_of('impact-calendar')}")
        raise typer.Exit


app = typer.Typer(
    name="impact-calendar",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # its tracebacks show local variables, and those may be tokens
)


@app.callback()
def options(
    version: Annotated[bool, typer.Option("--version", help="Show the version and end.", is_eager=True, callback=show_version)] = False,
) -> None:
    """Keeps the booked classes of providers on their own Google or Microsoft calendar. Settings: IMPACT_... variables."""


app.command("fold")(workers.fold)
app.command("execute")(workers.execute)
app.command("redeliver")(workers.redeliver)
app.command("read-model")(read_model.read_model)
app.command("why")(why.why)
app.command("portal")(portal.portal)
app.add_typer(topics.app, name="topics")
app.command("publish")(publish.publish)
app.add_typer(connections.app, name="connections")
app.command("status")(status.status)
app.command("kafka")(kafka.kafka)
app.command("sandbox")(sandbox.sandbox)
app.command("demo")(demo.demo)


def main() -> None:
    """Exit code 0, 1 (the world is not as needed) or 2 (bad input, bad settings)."""
    try:
        app()
    except SettingError as error:
        _fail(str(error), 2)
    except CommandError as error:
        _fail(str(error), error.exit_code)


def _fail(message: str, code: int) -> None:
    sys.stderr.write(f"impact-calendar: {message}\n")
    sys.exit(code)


if __name__ == "__main__":
    main()
