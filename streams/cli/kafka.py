"""`kafka`: a local broker for development."""

from pathlib import Path
from typing import Annotated

import typer

from streams.cli.environment import read_settings
from streams.cli.errors import CommandError

__all__ = ["kafka"]


def kafka(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 takes a free one.", min=0, max=65535)] = 9092,
    data_dir: Annotated[Path | None, typer.Option(help="What it holds is kept here. Default: kafka in IMPACT_DATA_DIR.")] = None,
) -> None:
    """Run a local single-node Apache Kafka, for development. Needs Java 17, and Maven for the first run. Ctrl-C stops it."""
    from infra.kafka.broker import BrokerError, run

    try:
        run(port=port, data_dir=data_dir or read_settings().data_dir / "kafka")
    except BrokerError as error:
        raise CommandError(str(error)) from None
