"""Many classes at once: at most four calls to a mailbox, in order per class; tokens refreshed once for all, and again when they must."""

import asyncio

import pytest

from schemas.outcomes import OutcomeKind
from tests.e2e.metrics import gauge
from tests.e2e.world import Provider, World

pytestmark = pytest.mark.kafka


async def refreshes(world: World, provider: Provider) -> list[int]:
    """The status of every call to the token endpoint."""
    return [entry["status"] for entry in await world.sandbox.requests(provider.account, "token")]


async def test_a_mailbox_gets_four_calls_at_once_at_most(world: World, service: str) -> None:
    provider, stories = await world.connected(service), [world.new_class() for _ in range(24)]
    await world.sandbox.fault(service, "latency", operation="create", email=provider.account.email, latency_ms=500)
    await asyncio.gather(*(story.book(provider.provider_id) for story in stories))
    await world.stand(provider, *stories)
    assert (await world.sandbox.summary(provider.account))["max_concurrency"] == 4
    assert {entry["status"] for entry in await world.sandbox.requests(provider.account, "create")} <= {200, 201}


async def test_many_mailboxes_are_served_at_once(world: World, service: str) -> None:
    """On a busy machine the calls of one round may miss each other, so there are some."""
    providers = [await world.connected(service) for _ in range(8)]
    for provider in providers:
        await world.sandbox.fault(service, "latency", operation="create", email=provider.account.email, latency_ms=2_000)
    for _ in range(4):
        if await all_are_called_at_once(world, service, providers):
            return
    raise AssertionError("in no round a call for every mailbox was under way")


async def all_are_called_at_once(world: World, service: str, providers: list[Provider]) -> bool:
    """Whether at some moment of a round, in which each provider gets another class, a call for every mailbox is under way."""
    stories = [world.new_class() for _ in providers]
    await asyncio.gather(*(story.book(provider.provider_id) for provider, story in zip(providers, stories, strict=True)))
    most = 0.0

    async def round_is_over() -> bool:
        nonlocal most
        most = max(most, await gauge(world, "execute", "impact_execute_calls_in_flight", service=service))
        stand = [{event.class_id for event in await world.events(provider)} for provider in providers]
        return most >= len(providers) or all(story.class_id in found for story, found in zip(stories, stand, strict=True))

    await world.until(round_is_over, what="the end of a round")
    for provider, story in zip(providers, stories, strict=True):
        await world.shown_among(provider, story)
    return most >= len(providers)


async def test_a_burst_for_one_class_keeps_its_order_and_collapses_into_its_last_state(world: World, service: str) -> None:
    provider, story = await world.connected(service), world.new_class()
    await world.shown(provider, await story.book(provider.provider_id))
    await world.sandbox.fault(service, "latency", email=provider.account.email, latency_ms=100)
    for number in range(60):
        await story.change_details(title=f"Title {number}")
    event = await world.shown(provider, story.version)
    assert event.title == "Title 59"
    await world.settled()
    outcomes = [outcome for outcome in await world.outcomes(provider) if outcome.revision > 2]
    updated = [outcome.revision for outcome in outcomes if outcome.kind is OutcomeKind.UPDATED]
    assert updated == sorted(set(updated))
    assert len(updated) < 60
    assert sorted({outcome.revision for outcome in outcomes}) == list(range(3, 63)), "every intent has an outcome"
    assert (await world.sandbox.summary(provider.account))["max_concurrency"] == 1


async def test_a_token_is_refreshed_once_for_all_who_need_it(world: World, service: str) -> None:
    provider, stories = await world.connected(service), [world.new_class() for _ in range(8)]
    await world.sandbox.fault(service, "latency", operation="token", email=provider.account.email, latency_ms=300)
    await asyncio.gather(*(story.book(provider.provider_id) for story in stories))
    await world.stand(provider, *stories)
    assert await refreshes(world, provider) == [200]


async def test_a_token_that_is_not_taken_is_refreshed_once_within_the_same_attempt(world: World, service: str) -> None:
    provider, story = await world.connected(service), world.new_class()
    await world.sandbox.fault(service, "status", operation="create", email=provider.account.email, status=401, times=1)
    await world.shown(provider, await story.book(provider.provider_id))
    assert await refreshes(world, provider) == [200, 200]
    assert [entry["status"] for entry in await world.sandbox.requests(provider.account, "create")] == [
        401,
        200 if service == "google" else 201,
    ]
    done = await world.outcome(provider, lambda outcome: outcome.kind is OutcomeKind.CREATED, what="created")
    assert done.attempt == 1


async def test_a_token_that_is_never_taken_is_a_retry_not_a_storm(world: World, service: str) -> None:
    provider, story = await world.connected(service), world.new_class()
    await world.sandbox.fault(service, "status", operation="create", email=provider.account.email, status=401, times=2)
    revision = await story.book(provider.provider_id)
    await world.shown(provider, revision)
    outcomes = [(outcome.kind, outcome.attempt) for outcome in await world.outcomes(provider)]
    assert outcomes[0] == (OutcomeKind.RETRYING, 1)
    assert len(await refreshes(world, provider)) <= 3


async def test_an_access_token_that_expired_meanwhile_is_replaced(world: World, service: str) -> None:
    provider, story = await world.connected(service), world.new_class()
    await world.shown(provider, await story.book(provider.provider_id))
    await world.sandbox.advance_clock(2 * 3600)
    await world.shown(provider, await story.relocate("Two hours later"))
    assert await refreshes(world, provider) == [200, 200]
    assert [entry["status"] for entry in await world.sandbox.requests(provider.account, "update")] == [401, 200]


async def test_a_token_endpoint_that_fails_for_a_while_is_retried(world: World, service: str) -> None:
    provider, story = await world.connected(service), world.new_class()
    await world.sandbox.fault(service, "status", operation="token", email=provider.account.email, status=503, times=1)
    await world.shown(provider, await story.book(provider.provider_id))
    assert await refreshes(world, provider) == [503, 200]
    assert await world.calls(provider) == ["create"]
