"""A whole calendar service down: its circuit opens, its classes rest without costing an attempt, the other service goes on."""

import asyncio

import pytest

from schemas.outcomes import OutcomeKind
from tests.e2e.booking import ClassStory
from tests.e2e.metrics import gauge
from tests.e2e.world import PATIENCE, Provider, World

pytestmark = pytest.mark.kafka

OPEN = 2
#: Seconds. The longer an outage, the longer a circuit rests between two probes, a minute at most.
LONGEST_REST = 60.0
OTHER = {"google": "microsoft", "microsoft": "google"}


async def teach(world: World, provider: Provider, classes: int) -> list[ClassStory]:
    """Classes of a provider, each with a student."""
    stories = [world.new_class() for _ in range(classes)]
    await asyncio.gather(*(story.book(provider.provider_id) for story in stories))
    return stories


async def state_is(world: World, service: str, state: int) -> bool:
    return await gauge(world, "execute", "impact_execute_circuit_state", service=service) == state


async def test_an_outage_opens_the_circuit_of_its_service_alone_and_all_is_caught_up_after_it(world: World, service: str) -> None:
    providers = [await world.connected(service) for _ in range(8)]
    moved = [(await teach(world, provider, 1))[0] for provider in providers]
    for provider, story in zip(providers, moved, strict=True):
        await world.shown(provider, story.version)

    outage = await world.sandbox.fault(service, "status", status=503)
    new = await asyncio.gather(*(teach(world, provider, 4) for provider in providers))
    await asyncio.gather(*(story.relocate("Moved in the outage") for story in moved))
    await world.until(lambda: state_is(world, service, OPEN), what="an open circuit")
    assert f'"service": "{service}"' in _line_of(world, "its circuit opens")

    other = await world.connected(OTHER[service])
    (story,) = await teach(world, other, 1)
    await world.shown(other, story.version)
    await world.until(lambda: all_rest_or_wait(world, providers), what="everything to rest")
    assert not await world.tail.read(world.topics.intents_dlq)

    await world.sandbox.lift(outage)
    for provider, old, stories in zip(providers, moved, new, strict=True):
        await world.stand(provider, old, *stories, timeout=LONGEST_REST + PATIENCE)
        assert (await world.shown_among(provider, old)).location == "Moved in the outage"
        assert (await world.sandbox.summary(provider.account))["duplicates"] == 0
    await world.until(lambda: state_is(world, service, 0), what="a closed circuit")
    assert not await world.tail.read(world.topics.intents_dlq)
    assert await gauge(world, "execute", "impact_execute_parked_entries", service=service) == 0


async def all_rest_or_wait(world: World, providers: list[Provider]) -> bool:
    """Every class published in the outage has an outcome, and most rest rather than going from tier to tier."""
    outcomes = [outcome for provider in providers for outcome in await world.outcomes(provider)]
    last = {(outcome.provider_id, outcome.class_id): outcome for outcome in outcomes}
    resting = [outcome for outcome in last.values() if (outcome.kind, outcome.reason) == (OutcomeKind.WAITING, "service_failing")]
    assert len(resting) >= 20, len(resting)
    return True


def _line_of(world: World, text: str) -> str:
    lines = [line for line in world.stack.logs["execute.log"].decode().splitlines() if text in line]
    assert lines, f"no line says {text!r}"
    return lines[-1]


async def test_a_service_that_refuses_this_application_rests_until_an_operator_acted(world: World, service: str) -> None:
    provider, story = await world.connected(service), world.new_class()
    fault = await world.sandbox.fault(service, "status", operation="token", status=401, reason="invalid_client")
    revision = await story.book(provider.provider_id)
    rested = await world.outcome(provider, lambda outcome: outcome.kind is OutcomeKind.WAITING, what="resting")
    assert rested.reason == "service_failing"
    await world.until(lambda: state_is(world, service, OPEN), what="an open circuit, between two probes")
    assert [status.state.value for status in await world.statuses(provider)] == ["connected"], "the provider need not do anything"
    await world.sandbox.lift(fault)
    await world.shown(provider, revision, timeout=LONGEST_REST + PATIENCE)
    await world.until(lambda: state_is(world, service, 0), what="a closed circuit")
    assert not await world.tail.read(world.topics.intents_dlq)
