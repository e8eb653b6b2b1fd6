"""Calls whose answers nobody awaits any more, and that the service carries out late, after something newer: the newest state stays."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import pytest

from schemas.outcomes import OutcomeKind
from tests.e2e.sandbox import Account
from tests.e2e.stack import Stack
from tests.e2e.world import Provider, World

pytestmark = pytest.mark.kafka

#: A call times out after 3 s, and is carried out this long after it began; the service is done with it after 9 s at the latest.
LATE_MS = 6_000


@pytest.fixture(scope="module")
def stack(make_stack: Callable[..., Stack]) -> Iterator[Stack]:
    """A set of its own, of little patience with a service."""
    with make_stack("late", IMPACT_CALL_TIMEOUT="3s") as running:
        yield running


async def slow(world: World, provider: Provider, operation: str, *, late_ms: float = LATE_MS) -> None:
    """The next call of this kind lands late."""
    account = provider.account
    await world.sandbox.fault(account.service, "latency", operation=operation, email=account.email, times=1, latency_ms=late_ms)


async def in_time(story: Callable[[World, str], Awaitable[bool]], world: World, service: str) -> None:
    """The story, told again where a busy machine was late with what is newer, so that what was to land late landed first."""
    for _ in range(4):
        if await story(world, service):
            return
    raise AssertionError("what was to land late landed before what is newer each time")


async def has(world: World, provider: Provider, revision: int, *kinds: OutcomeKind, times: int = 1) -> None:
    async def probe() -> bool:
        found = [outcome for outcome in await world.outcomes(provider) if outcome.revision == revision and outcome.kind in kinds]
        return len(found) >= times

    await world.until(probe, what=f"{' or '.join(kind.value for kind in kinds)} at {revision}, {times} times")


async def has_landed(world: World, provider: Provider, operation: str) -> bool:
    return any(entry["fault"] == "latency" for entry in await world.sandbox.requests(provider.account, operation))


async def landed(world: World, provider: Provider, operation: str) -> None:
    await world.until(lambda: has_landed(world, provider, operation), what=f"the late {operation} to land")


async def stands_once(world: World, provider: Provider) -> None:
    summary = await world.sandbox.summary(provider.account)
    assert (summary["standing"], summary["duplicates"], summary["notifications"]) == (1, 0, 0)


async def test_what_lands_late_does_not_take_the_place_of_what_is_newer(world: World, service: str) -> None:
    await asyncio.gather(
        in_time(_changed, world, service), in_time(_booked_again, world, service), _changed_before_it_stands(world, service)
    )


async def _changed(world: World, service: str) -> bool:
    provider, story = await world.connected(service), world.new_class()
    await world.shown(provider, await story.book(provider.provider_id))
    await slow(world, provider, "update")
    await has(world, provider, await story.relocate("The place of before"), OutcomeKind.RETRYING)
    newest = await story.relocate("The newest place")
    await has(world, provider, newest, OutcomeKind.UPDATED)
    if await has_landed(world, provider, "update"):
        return False
    await landed(world, provider, "update")
    await has(world, provider, newest, OutcomeKind.UPDATED, times=2)
    assert (await world.shown(provider, newest)).location == "The newest place"
    return True


async def _booked_again(world: World, service: str) -> bool:
    provider, story = await world.connected(service), world.new_class()
    await world.shown(provider, await story.book(provider.provider_id))
    await slow(world, provider, "delete")
    await has(world, provider, await story.cancel(), OutcomeKind.RETRYING)
    again = await story.schedule(provider.provider_id, location="Studio 9")
    await has(world, provider, again, OutcomeKind.UPDATED, OutcomeKind.CREATED)
    if await has_landed(world, provider, "delete"):
        return False
    await landed(world, provider, "delete")
    await has(world, provider, again, OutcomeKind.CREATED)
    event = await world.shown(provider, again)
    assert (event.location, event.generation) == ("Studio 9", 1)
    return True


async def _changed_before_it_stands(world: World, service: str) -> None:
    provider, story = await world.connected(service), world.new_class()
    await slow(world, provider, "create")
    await has(world, provider, await story.book(provider.provider_id), OutcomeKind.RETRYING)
    await world.shown(provider, await story.relocate("The newest place"))
    await landed(world, provider, "create")
    await stands_once(world, provider)


async def test_a_time_out_whose_work_lands_late_leaves_one_event(world: World, service: str) -> None:
    provider, story = await world.connected(service), world.new_class()
    await slow(world, provider, "create", late_ms=4_500)
    revision = await story.book(provider.provider_id)
    done = await world.outcome(provider, lambda outcome: outcome.kind is OutcomeKind.CREATED, what="created")
    assert done.attempt == 2
    retried = next(outcome for outcome in await world.outcomes(provider) if outcome.kind is OutcomeKind.RETRYING)
    assert "timeout" in (retried.reason or "")

    await landed(world, provider, "create")
    await world.shown(provider, revision)
    await stands_once(world, provider)
    await world.shown(provider, await story.relocate("Studio 6"))
    await stands_once(world, provider)


async def test_a_class_cancelled_while_its_create_lands_late_stands_nowhere(world: World, service: str) -> None:
    """Nobody awaits the answer any more and a look finds nothing, but the service is still at it."""
    provider, story = await world.connected(service), world.new_class()
    await slow(world, provider, "create")
    await story.book(provider.provider_id)
    await world.outcome(provider, lambda outcome: outcome.kind is OutcomeKind.RETRYING, what="in doubt")
    revision = await story.cancel()
    await world.outcome(provider, lambda outcome: (outcome.revision, outcome.kind) == (revision, OutcomeKind.DELETED), what="deleted")
    await world.empty(provider)
    assert (await world.sandbox.summary(provider.account))["duplicates"] == 0


@pytest.mark.parametrize("new_service", ["google", "microsoft"])
async def test_a_class_stands_on_the_new_calendar_while_the_old_service_fails(world: World, service: str, new_service: str) -> None:
    provider, story = await world.connected(service), world.new_class()
    await world.shown(provider, await story.book(provider.provider_id))
    old = provider.account
    # Once more than an intent has attempts here.
    await world.sandbox.fault(service, "status", operation="delete", email=old.email, status=503, times=4)

    await world.connect(provider, Account(new_service, f"other-{old.email}"))
    await world.stand(provider, story)
    updated = await world.shown(provider, await story.relocate("Studio 6"))
    assert updated.location == "Studio 6"

    async def cleared() -> bool:
        return not await world.sandbox.events(old) and not (await world.connection_row(provider))["retiring"]

    await world.until(cleared, what="the old calendar to be cleared and its grant to be forgotten")
    assert [entry["status"] for entry in await world.sandbox.requests(old, "delete")][:4] == [503] * 4
    assert (await world.shown(provider, story.version)).id == updated.id
    assert not await world.tail.read(world.topics.intents_dlq, provider.provider_id)
