"""The fold and the oracle, written apart, agree on whole histories of many classes."""

from datetime import UTC, datetime

import pytest

from schemas.codec import encode
from schemas.envelope import decode_event
from schemas.errors import ContractViolation
from schemas.intents import Intent
from schemas.wall_time import instants
from streams.domain.evolve import evolve
from streams.domain.intents import Cause, derive_intents
from streams.domain.state import ClassState, decode_state, encode_state
from tests.support.calendars import standing
from tests.support.histories import SECRET, History, random_history
from tests.support.oracle import Standing, what_must_stand

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def fold_of(history: History) -> dict[str, list[Intent]]:
    """class_id -> every intent, through stored states as in the worker."""
    stored: dict[str, bytes] = {}
    intents: dict[str, list[Intent]] = {class_id: [] for class_id in history.classes}
    for line in history:
        try:
            received = decode_event(line.key, line.value, line.headers)
        except ContractViolation:
            continue
        class_id, event = received.event.class_id, received.event
        before: ClassState | None = decode_state(stored[class_id]) if class_id in stored else None
        after = evolve(before, event, received.time.date() if received.time else None)
        cause = Cause(event_id=received.id, type=received.type, occurred_at=received.time)
        intents[class_id] += derive_intents(class_id, before, after, cause)
        stored[class_id] = encode_state(after)
    return intents


def shown(intents: dict[str, list[Intent]]) -> dict[tuple[str, str], Standing]:
    calendars: dict[tuple[str, str], Standing] = {}
    for class_id, made in intents.items():
        for provider_id, entry in standing(made).items():
            starts_at, ends_at = instants(entry.starts_at, entry.ends_at, entry.time_zone)
            calendars[provider_id, class_id] = Standing(
                title=entry.title,
                class_type=entry.class_type,
                kind=entry.kind.value,
                location=entry.location,
                presence=entry.presence.value,
                url=entry.url,
                starts_at=starts_at,
                ends_at=ends_at,
                time_zone=entry.time_zone,
            )
    return calendars


@pytest.mark.parametrize("seed", range(40))
def test_the_fold_and_the_oracle_agree(seed: int) -> None:
    history = random_history(seed, NOW, classes=60, providers=7, bad_rate=0.1)
    intents = fold_of(history)
    assert shown(intents) == what_must_stand(history)
    assert SECRET.encode() not in encode(intents)


@pytest.mark.parametrize("seed", range(5))
def test_histories_are_worth_the_judging(seed: int) -> None:
    """Enough classes stand at the end, and enough do not, with all zones among them."""
    history = random_history(seed, NOW, classes=200, providers=20)
    there = what_must_stand(history)
    booked = {class_id for _, class_id in there}
    assert 40 < len(booked) < 160
    assert len({standing.time_zone for standing in there.values()}) == 5
    assert all(standing.ends_at > NOW for standing in there.values())
