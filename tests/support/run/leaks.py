"""Searching everything that the product wrote for what must never leave: students, tokens, keys."""

import base64
import json
import re
from collections.abc import Sequence

from tests.support.histories import SECRET
from tests.support.run.system import Provider, System
from tests.support.run.topics import read_topic

__all__ = ["check_nothing_leaked"]

#: How tokens of the simulated services begin, access tokens and rotated ones too; at a boundary, since sealed ones are base64.
_TOKENS = re.compile(rb"(?<![A-Za-z0-9+/=_.-])(?:ya29\.|1//|1\.A|EwB)[A-Za-z0-9_-]{64}")


async def check_nothing_leaked(system: System, providers: Sequence[Provider]) -> None:
    """No student outside of the booking system's own topics and the fold's table, no token, client secret or vault key anywhere."""
    secrets = _secrets(system)
    assert all(_TOKENS.search(token.encode()) for token in system.tokens), "tokens look otherwise by now: the search would find none"
    for place, content, has_students in await _everything(system, providers):
        assert has_students or SECRET.encode() not in content, f"a student stands in {place}"
        assert not _TOKENS.search(content), f"a token stands in clear in {place}"
        found = [number for number, secret in enumerate(secrets) if secret in content]
        assert not found, f"a secret stands in {place}"


def _secrets(system: System) -> list[bytes]:
    plain = [*system.tokens, system.env["IMPACT_VAULT_KEYS"].partition(":")[2], system.env["IMPACT_GOOGLE_CLIENT_SECRET"]]
    return [secret.encode() for secret in plain] + [base64.b64encode(secret.encode()).rstrip(b"=") for secret in plain]


async def _everything(system: System, providers: Sequence[Provider]) -> list[tuple[str, bytes, bool]]:
    """(where, what stands there, whether students may)."""
    topics = system.settings.topics
    found = []
    for topic in topics.all():
        may = topic.name in (topics.class_events, topics.class_events_dlq, topics.classes_changelog)
        found.append((f"topic {topic.name}", b"\n".join(map(_raw, await read_topic(system.settings, topic.name))), may))
    found += [(f"log {log.name}", log.read_bytes(), False) for log in sorted(system.directory.glob("*.log"))]
    found.append(("what the commands printed", "\n".join(system.spoken).encode(), False))
    for provider in providers:
        events = await system.sandbox.events(provider.service, provider.email)
        found.append((f"the calendar of {provider.provider_id}", json.dumps(events, ensure_ascii=False).encode(), False))
    return found


def _raw(record: object) -> bytes:
    """Key, value and headers as they stand."""
    headers = getattr(record, "headers", ())
    parts = [getattr(record, "key", None), getattr(record, "value", None)]
    for name, value in headers:
        parts += [name.encode(), value]
    return b"\n".join(part for part in parts if part is not None)
