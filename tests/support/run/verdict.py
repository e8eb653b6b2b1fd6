"""What must be true at the end of a run: the calendars as the oracle has them, nothing twice, every bad line a dead letter."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from schemas import headers as names
from tests.support.histories import History
from tests.support.oracle import Standing, what_must_stand
from tests.support.run.sandbox import SandboxProcess
from tests.support.run.system import Provider, System
from tests.support.run.topics import read_topic

__all__ = ["Shown", "calendars", "check_dead_letters", "check_nothing_twice", "differences", "expected_calendars"]

#: The names of the private mark, by service.
MARKS = {"google": ("impactKey", "impactClass"), "microsoft": ("ImpactFeedbackKey", "ImpactFeedbackClass")}
#: Google refuses an empty time range; a class without a length is shown with this one there.
SHORTEST_ON_GOOGLE = timedelta(minutes=1)

Place = tuple[str, str]


@dataclass(frozen=True, order=True)
class Shown:
    """What a person sees of a class; `starts_at`, `ends_at` are instants in UTC."""

    title: str
    location: str
    url: str
    starts_at: datetime
    ends_at: datetime


def expected_calendars(history: History, providers: Sequence[Provider]) -> dict[Place, list[Shown]]:
    """(provider_id, class_id) -> what must stand there: one event, by the oracle."""
    service_of = {provider.provider_id: provider.service for provider in providers}
    return {place: [_expected(standing, service_of[place[0]])] for place, standing in what_must_stand(history).items()}


def _expected(standing: Standing, service: str) -> Shown:
    ends_at = standing.ends_at
    if service == "google":
        ends_at = max(ends_at, standing.starts_at + SHORTEST_ON_GOOGLE)
    return Shown(_one_line(standing.title), _one_line(standing.location), standing.url or "", standing.starts_at, ends_at)


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


async def calendars(sandbox: SandboxProcess, providers: Sequence[Provider]) -> dict[Place, list[Shown]]:
    """(provider_id, class_id) -> every event that stands there for it."""
    found: dict[Place, list[Shown]] = defaultdict(list)
    for provider in providers:
        for event in await sandbox.events(provider.service, provider.email):
            class_id = event["mark"][MARKS[provider.service][1]]
            found[provider.provider_id, class_id].append(_shown(event))
    return dict(found)


async def check_nothing_twice(sandbox: SandboxProcess, providers: Sequence[Provider]) -> None:
    """By the private mark, now and at any moment before; and nobody was told of anything."""
    for provider in providers:
        name = MARKS[provider.service][0]
        keys = Counter(event["mark"][name] for event in await sandbox.events(provider.service, provider.email))
        assert all(count == 1 for count in keys.values()), f"a private mark stands twice on the calendar of {provider.provider_id}"
    stats = await sandbox.stats()
    assert stats["duplicates"] == 0, "at some moment a class stood twice on a calendar"
    assert stats["notifications"] == 0, "somebody was notified"


def _shown(event: Mapping[str, Any]) -> Shown:
    starts_at, ends_at = (datetime.fromisoformat(event[name]).astimezone(UTC) for name in ("start_utc", "end_utc"))
    return Shown(event["title"], event["location"], event["url"] or "", starts_at, ends_at)


def differences(expected: Mapping[Place, list[Shown]], found: Mapping[Place, list[Shown]]) -> dict[Place, tuple[list[Shown], list[Shown]]]:
    """Where they differ: (what must stand, what stands)."""
    places = sorted({*expected, *found})
    pairs = {place: (expected.get(place, []), found.get(place, [])) for place in places}
    return {place: pair for place, pair in pairs.items() if pair[0] != pair[1]}


async def check_dead_letters(system: System, history: History, *, exactly_once: bool) -> None:
    """Every bad line stands in the dead-letter topic with its bytes, headers and reason, and nothing else does.

    `exactly_once` False: after a kill a line may stand there again.
    """
    topics = system.settings.topics
    wanted = Counter((line.key, line.value, line.headers, line.expect) for line in history.bad)
    found = Counter(map(_letter, await read_topic(system.settings, topics.class_events_dlq)))
    assert set(found) == set(wanted), f"dead letters: {_shorten(wanted - found)[:3]} missing, {_shorten(found - wanted)[:3]} not expected"
    if exactly_once:
        assert found == wanted, "bad lines were dead-lettered more than once"
    given_up = await read_topic(system.settings, topics.intents_dlq)
    assert not given_up, f"intents were given up: {[dict(record.headers)[names.DEAD_LETTER_REASON] for record in given_up[:5]]}"


def _letter(record: Any) -> tuple[bytes | None, bytes | None, tuple[tuple[str, bytes], ...], str]:
    added = {value for name, value in vars(names).items() if name.isupper()}
    original = tuple((name, value) for name, value in record.headers if name not in added)
    return record.key, record.value, original, dict(record.headers)[names.DEAD_LETTER_CODE].decode()


def _shorten(letters: Iterable[tuple[Any, ...]]) -> list[str]:
    return [f"{code}: {key!r} {(value or b'')[:100]!r} {headers}" for key, value, headers, code in letters]
