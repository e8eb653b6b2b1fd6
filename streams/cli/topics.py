"""`topics apply`, `topics check`: the declared topics and those on the brokers."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.environment import read_settings
from streams.cli.errors import CommandError
from streams.settings import Settings

if TYPE_CHECKING:
    from streams.engine.topic_admin import Difference

__all__ = ["advice", "app"]

app = typer.Typer(help="Make or compare the topics.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="One JSON document instead of a table.")]


@app.command("apply")
def apply(as_json: Json = False) -> None:
    """Make the topics that are missing and set what differs. Partitions of a topic that stands are never changed: exit 1 if they differ."""
    asyncio.run(_apply(read_settings(), as_json))


@app.command("check")
def check(as_json: Json = False) -> None:
    """Compare the topics with their declaration. Exit 1 when something differs."""
    asyncio.run(_check(read_settings(), as_json))


async def _apply(settings: Settings, as_json: bool) -> None:
    from streams.cli.brokers import admin_client
    from streams.cli.output import print_json, print_table, say
    from streams.engine.topic_admin import apply_topics

    async with admin_client(settings.kafka) as admin:
        applied = await apply_topics(admin, settings.topics, settings.topic_replicas)
    if as_json:
        print_json({name: list(value) for name, value in asdict(applied).items()})
    else:
        done = [(name, "made") for name in applied.created]
        done += [(change.topic, f"{change.setting} set to {change.declared} (was {change.found})") for change in applied.changed]
        if done:
            print_table("Topics", ("topic", "what was done"), done)
        say(f"{len(settings.topics.all())} topics: {len(applied.created)} made, {len(applied.changed)} settings changed.")
    if applied.left:
        raise CommandError(_about_partitions(applied.left))


async def _check(settings: Settings, as_json: bool) -> None:
    from streams.cli.brokers import admin_client
    from streams.cli.output import print_json, print_table, say
    from streams.engine.topic_admin import check_topics

    async with admin_client(settings.kafka) as admin:
        differences = await check_topics(admin, settings.topics)
    if as_json:
        print_json({"topics": len(settings.topics.all()), "differences": [asdict(difference) for difference in differences]})
    elif differences:
        rows = [(d.topic, d.setting, d.declared, d.found if d.found is not None else "missing") for d in differences]
        print_table("Differences", ("topic", "setting", "declared", "found"), rows)
    else:
        say(f"{len(settings.topics.all())} topics are as declared.")
    if differences:
        raise CommandError(advice(differences))


def advice(differences: Sequence["Difference"]) -> str:
    """How many there are, and for each kind what settles it."""
    kinds = {difference.setting for difference in differences}
    advice = [f"{len(differences)} difference{'' if len(differences) == 1 else 's'}."]
    if kinds - {"partitions", "leaders"}:
        advice.append("`impact-calendar topics apply` makes topics and sets their settings.")
    if partitions := [difference for difference in differences if difference.setting == "partitions"]:
        advice.append(_about_partitions(partitions))
    if "leaders" in kinds:
        advice.append("Partitions without a leader have no broker in service that holds them.")
    return " ".join(advice)


def _about_partitions(differences: Sequence["Difference"]) -> str:
    what = "; ".join(f"{left.topic} has {left.found} partitions, {left.declared} are declared" for left in differences)
    return f"partitions differ, and changing them would move keys: {what}. Set IMPACT_TOPIC_PARTITIONS, or make new topics."
