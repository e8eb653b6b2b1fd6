"""Calls that fail for a while: the class stands in the end, once, and the service's wish to be left alone is respected."""

import asyncio
from typing import Any

import pytest

from schemas.outcomes import Outcome, OutcomeKind
from tests.e2e.world import Provider, World

pytestmark = pytest.mark.kafka


async def times_of(world: World, provider: Provider) -> list[tuple[str, int, float]]:
    """Operation, status and time of every call to the provider's calendar."""
    operations = ("create", "update", "delete", "get", "list")
    return [(entry["operation"], entry["status"], entry["time"]) for entry in await world.sandbox.requests(provider.account, *operations)]


async def stands_once(world: World, provider: Provider) -> None:
    summary = await world.sandbox.summary(provider.account)
    assert (summary["standing"], summary["duplicates"], summary["notifications"]) == (1, 0, 0)


THROTTLES = [("google", {"status": 429}), ("google", {"status": 403, "reason": "userRateLimitExceeded"}), ("microsoft", {"status": 429})]


@pytest.mark.parametrize(("throttled", "fault"), THROTTLES)
async def test_a_throttled_mailbox_is_not_called_before_retry_after(world: World, throttled: str, fault: dict[str, Any]) -> None:
    provider, first, second = await world.connected(throttled), world.new_class(), world.new_class()
    await world.sandbox.fault(throttled, "status", operation="create", email=provider.account.email, times=1, retry_after=3, **fault)
    await first.book(provider.provider_id)
    await world.outcome(provider, lambda outcome: outcome.kind is OutcomeKind.RETRYING, what="the class waits")
    await second.book(provider.provider_id, title="Another class of the same mailbox")

    def created(outcome: Outcome) -> bool:
        return outcome.kind is OutcomeKind.CREATED

    await world.outcome(provider, lambda outcome: created(outcome) and outcome.class_id == first.class_id, what="the first stands")
    await world.outcome(provider, lambda outcome: created(outcome) and outcome.class_id == second.class_id, what="the second stands")
    (_, status, asked), *later = await times_of(world, provider)
    assert status == fault["status"]
    assert min(time for _, _, time in later) >= asked + 3
    assert sorted(event.class_id for event in await world.events(provider)) == sorted([first.class_id, second.class_id])
    assert not await world.tail.read(world.topics.intents_dlq, provider.provider_id)


AMBIGUOUS: dict[str, dict[str, Any]] = {
    "a 503": {"kind": "status", "status": 503},
    "a connection dropped before the work": {"kind": "drop_before"},
    "a connection dropped after the work": {"kind": "drop_after"},
    "an error though the work is done": {"kind": "status", "status": 500, "keep_work": True},
}


@pytest.mark.parametrize("failure", AMBIGUOUS)
async def test_after_an_ambiguous_failure_the_calendar_is_as_if_nothing_had_failed(world: World, service: str, failure: str) -> None:
    fault = AMBIGUOUS[failure]
    await asyncio.gather(
        _created_after(world, service, fault), _updated_after(world, service, fault), _deleted_after(world, service, fault)
    )


async def _created_after(world: World, service: str, fault: dict[str, Any]) -> None:
    provider, story = await world.connected(service), world.new_class()
    await world.sandbox.fault(service, operation="create", email=provider.account.email, times=1, **fault)
    revision = await story.book(provider.provider_id)
    await ends_after_one_retry(world, provider, revision, OutcomeKind.CREATED)
    assert (await world.shown(provider, revision)).generation == 0
    await stands_once(world, provider)


async def _updated_after(world: World, service: str, fault: dict[str, Any]) -> None:
    provider, story = await world.connected(service), world.new_class()
    event = await world.shown(provider, await story.book(provider.provider_id))
    await world.sandbox.fault(service, operation="update", email=provider.account.email, times=1, **fault)
    revision = await story.relocate("Studio 4")
    await ends_after_one_retry(world, provider, revision, OutcomeKind.UPDATED)
    updated = await world.shown(provider, revision)
    assert (updated.id, updated.location) == (event.id, "Studio 4")
    await stands_once(world, provider)


async def _deleted_after(world: World, service: str, fault: dict[str, Any]) -> None:
    provider, story = await world.connected(service), world.new_class()
    await world.shown(provider, await story.book(provider.provider_id))
    await world.sandbox.fault(service, operation="delete", email=provider.account.email, times=1, **fault)
    await ends_after_one_retry(world, provider, await story.cancel(), OutcomeKind.DELETED)
    assert await world.events(provider) == []


async def ends_after_one_retry(world: World, provider: Provider, revision: int, kind: OutcomeKind) -> None:
    await world.outcome(provider, lambda outcome: (outcome.revision, outcome.kind) == (revision, kind), what=kind.value)
    outcomes = [(outcome.kind, outcome.attempt) for outcome in await world.outcomes(provider) if outcome.revision == revision]
    assert outcomes == [(OutcomeKind.RETRYING, 1), (kind, 2)]


async def test_a_class_cancelled_while_its_create_is_in_doubt_stands_nowhere(world: World, service: str) -> None:
    provider, story = await world.connected(service), world.new_class()
    await world.sandbox.fault(service, "status", operation="create", email=provider.account.email, times=1, status=500, keep_work=True)
    await story.book(provider.provider_id)
    await world.outcome(provider, lambda outcome: outcome.kind is OutcomeKind.RETRYING, what="in doubt")
    revision = await story.cancel()
    await world.outcome(provider, lambda outcome: (outcome.revision, outcome.kind) == (revision, OutcomeKind.DELETED), what="deleted")
    await world.empty(provider)


async def test_a_late_retry_of_an_older_state_changes_nothing(world: World, service: str) -> None:
    provider, story = await world.connected(service), world.new_class()
    await world.shown(provider, await story.book(provider.provider_id))
    await world.sandbox.fault(service, "status", operation="update", email=provider.account.email, times=1, status=503, retry_after=10)
    old = await story.relocate("An older place")
    await world.outcome(provider, lambda outcome: (outcome.revision, outcome.kind) == (old, OutcomeKind.RETRYING), what="the old one waits")
    event = await world.shown(provider, await story.relocate("The newest place"))
    await world.outcome(provider, lambda outcome: (outcome.revision, outcome.kind) == (old, OutcomeKind.SUPERSEDED), what="superseded")
    assert await world.events(provider) == [event]
    assert await world.calls(provider) == ["create", "update", "update"]
