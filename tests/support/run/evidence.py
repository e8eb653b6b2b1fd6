"""When a calendar is wrong: everything that is known of that class and provider, for whoever reads the failure."""

import json
from collections.abc import Mapping
from typing import Any

from tests.support.run.system import Provider, System
from tests.support.run.topics import read_topic
from tests.support.run.verdict import Place, Shown

__all__ = ["explain"]

_AT_MOST = 3


async def explain(system: System, providers: Mapping[str, Provider], wrong: Mapping[Place, tuple[list[Shown], list[Shown]]]) -> str:
    """For the first of the wrong places: what must stand, what stands, its intents, outcomes, agenda rows and requests."""
    topics = system.settings.topics
    waiting = map(topics.retry, topics.tiers)
    booking = (topics.class_events, topics.classes_changelog)
    names = (*booking, topics.intents, topics.intents_bulk, *waiting, topics.intents_dlq, topics.outcomes, topics.agenda_changelog)
    records = {name: await read_topic(system.settings, name) for name in names}
    text = [f"{len(wrong)} calendar entries are wrong"]
    for (provider_id, class_id), (must, stands) in list(wrong.items())[:_AT_MOST]:
        text += [f"\n== {class_id} of {provider_id}", f"must stand: {must}", f"stands:     {stands}"]
        for name, found in records.items():
            of = "" if name in booking else provider_id
            text += [f"{name.removeprefix(topics.prefix)} {_line(record)}" for record in found if _is_about(record, of, class_id)]
        text += await _requests(system, providers[provider_id], "\n".join(text))
    return "\n".join(text)


def _is_about(record: Any, provider_id: str, class_id: str) -> bool:
    value = (record.value or b"") + (record.key or b"")
    return class_id.encode() in value and provider_id.encode() in value


def _line(record: Any) -> str:
    headers = {name: value.decode(errors="replace") for name, value in record.headers}
    return f"{record.partition}@{record.offset} {record.timestamp} {headers or ''} {(record.value or b'null').decode(errors='replace')}"


async def _requests(system: System, provider: Provider, told: str) -> list[str]:
    """The requests about every event id that `told` has, and about what stands."""
    journal = await system.sandbox.requests(provider.email)
    return [json.dumps(entry) for entry in journal if entry["event_id"] is not None and entry["event_id"] in told]
