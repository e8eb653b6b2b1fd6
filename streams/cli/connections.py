"""`connections import`: grants that another system obtained, for a migration."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated

import typer

from streams.cli.environment import read_settings

__all__ = ["app"]

app = typer.Typer(help="Connections of providers to their calendars.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Connections of providers to their calendars."""


@app.command("import")
def import_grants(
    file: Annotated[str, typer.Argument(metavar="FILE.jsonl", help="One grant a line; - reads stdin.")],
) -> None:
    """Seal the refresh tokens of grants that another system obtained, and publish the connections.

    A line is {"provider_id", "service": "google" or "microsoft", "email", "refresh_token", "scopes": [...], "connected_at"}. Every line is
    checked before the first is sent. Importing the same file again changes nothing. A line that is older than what is known of its
    provider is not sent, and told.
    """
    from adapters.vault.seal import KeyRing
    from streams.cli.grant_lines import read_grants, replaced, sealed_record, sort_out
    from streams.cli.known_connections import known_connections
    from streams.cli.lines import opened, refuse
    from streams.cli.output import say
    from streams.cli.sending import send_confirmed

    settings = read_settings()
    ring = KeyRing(settings.require_vault_keys())
    with opened(file, to_disk=False) as lines:
        grants, bad = read_grants(lines, datetime.now(UTC))
    if bad:
        raise refuse(file, bad)
    known = asyncio.run(known_connections(settings, {grant.provider_id for _, grant in grants}))
    grants, ignored = sort_out(grants, known)
    for line in ignored:
        say(str(line), error=True)
    for earlier, later in replaced(grants):
        say(f"line {later} replaces line {earlier}: a provider has one connection at a time", error=True)
    topic = settings.topics.connections
    records = (sealed_record(number, grant, ring) for number, grant in grants)
    sent = asyncio.run(send_confirmed(settings.kafka, topic, records, len(grants)))
    say(f"Imported {sent} connections to {topic}." + (f" {len(ignored)} lines were not sent, see above." if ignored else ""))
