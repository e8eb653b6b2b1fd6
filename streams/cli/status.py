"""`status`: one look at the whole, read from Kafka alone."""

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.environment import read_settings
from streams.settings import Settings

if TYPE_CHECKING:
    from streams.cli.report import Report

__all__ = ["status"]


def status(as_json: Annotated[bool, typer.Option("--json", help="One JSON document instead of tables.")] = False) -> None:
    """Show lag by group and topic, waiting retries, dead letters, and connections by state."""
    from streams.cli.output import print_json

    report = asyncio.run(_gather(read_settings()))
    if as_json:
        print_json(asdict(report))
    else:
        _show(report)


async def _gather(settings: Settings) -> "Report":
    from streams.cli.brokers import admin_client, consumer_client
    from streams.cli.report import gather

    async with admin_client(settings.kafka) as admin, consumer_client(settings.kafka) as consumer:
        return await gather(admin, consumer, settings.topics)


def _show(report: "Report") -> None:
    from streams.cli.output import print_table

    rows = [(g.group, g.state, g.members, t.topic, t.partitions, t.lag) for g in report.groups for t in g.topics]
    print_table("Groups", ("group", "state", "members", "topic", "partitions", "lag"), rows)
    print_table("Retries that wait", ("tier", "intents"), report.retry.items())
    print_table("Dead letters", ("topic", "records"), report.dead_letters.items())
    print_table("Connections", ("state", "providers"), report.connections.items())
