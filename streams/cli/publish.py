"""`publish`: domain events from a file to the topic of class events."""

import asyncio
from typing import Annotated

import typer

from streams.cli.environment import read_settings

__all__ = ["publish"]


def publish(
    file: Annotated[str, typer.Argument(metavar="FILE.jsonl", help="One CloudEvent a line; - reads stdin.")],
    skip_invalid: Annotated[bool, typer.Option("--skip-invalid", help="Publish the good lines, tell the bad ones on stderr.")] = False,
) -> None:
    """Publish domain events. Every line is checked before the first is sent; each is confirmed by the brokers."""
    from streams.cli.event_lines import check_events, event_records
    from streams.cli.lines import opened, refuse
    from streams.cli.output import say
    from streams.cli.sending import send_confirmed

    settings = read_settings()
    topic = settings.topics.class_events
    with opened(file) as lines:
        good, bad = check_events(lines)
        if bad and not skip_invalid:
            raise refuse(file, bad)
        records = event_records(lines, {line.number for line in bad})
        sent = asyncio.run(send_confirmed(settings.kafka, topic, records, good))
    for line in bad:
        say(f"skipped {line}", error=True)
    skipped = f" {len(bad)} line{'s were' if len(bad) != 1 else ' was'} skipped, see above." if bad else ""
    say(f"Published {sent} events to {topic}.{skipped}")
