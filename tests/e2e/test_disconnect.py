"""Disconnecting: tokens are forgotten, Google's grant is revoked, and upcoming events go first where the provider wants that."""

import pytest

from tests.e2e.booking import ClassStory
from tests.e2e.ending import stands_until_over
from tests.e2e.world import Provider, World

pytestmark = pytest.mark.kafka


async def disconnected(world: World, provider: Provider, *states: str) -> None:
    """Until the tokens are forgotten and, at Google, the grant revoked."""
    await world.states(provider, "connected", *states)
    await forgotten(world, provider)
    revoked = [entry["status"] for entry in await world.sandbox.requests(provider.account, "revoke")]
    assert revoked == ([200] if provider.account.service == "google" else [])


async def forgotten(world: World, provider: Provider) -> None:
    """Until the tokens are. The portal is told before the row is written."""

    async def look() -> bool:
        row = await world.connection_row(provider)
        return (row["current"], row["retiring"]) == (None, [])

    await world.until(look, what="the tokens to be forgotten")


async def test_disconnecting_leaves_the_events_and_forgets_the_tokens(world: World, service: str) -> None:
    provider, story = await world.connected(service), world.new_class()
    event = await world.shown(provider, await story.book(provider.provider_id))
    await world.disconnect(provider, remove_events=False)
    await disconnected(world, provider, "disconnected")

    calls = len(await world.sandbox.requests(provider.account))
    await story.relocate("Nobody is told")
    await world.settled()
    assert await world.events(provider) == [event]
    assert len(await world.sandbox.requests(provider.account)) == calls

    await world.connect(provider)
    caught_up = await world.shown(provider, story.version)
    assert (caught_up.id, caught_up.location) == (event.id, "Nobody is told")


async def test_disconnecting_takes_upcoming_events_away_first_where_that_is_wanted(world: World, service: str) -> None:
    provider = await world.connected(service)
    stories: list[ClassStory] = [world.new_class() for _ in range(3)]
    for story in stories:
        await story.book(provider.provider_id)
    past = world.new_class()
    await stands_until_over(world, provider, past)
    await world.stand(provider, past, *stories)

    await world.disconnect(provider, remove_events=True)
    await world.stand(provider, past)
    await disconnected(world, provider, "disconnecting", "disconnected")
    assert (await world.calls(provider)).count("delete") == 3


async def test_disconnecting_with_nothing_to_take_away_ends_at_once(world: World, service: str) -> None:
    provider = await world.connected(service)
    await world.states(provider, "connected")
    await world.disconnect(provider, remove_events=True)
    await world.until(lambda: has_ended(world, provider), what="the disconnect to end")
    await forgotten(world, provider)


async def has_ended(world: World, provider: Provider) -> bool:
    statuses = await world.statuses(provider)
    assert statuses[-1].state.value == "disconnected", [status.state.value for status in statuses]
    return True


async def test_what_cannot_be_taken_away_does_not_keep_a_disconnect_from_ending(world: World, service: str) -> None:
    provider, story = await world.connected(service), world.new_class()
    await world.shown(provider, await story.book(provider.provider_id))
    await world.sandbox.fault(service, "status", operation="delete", email=provider.account.email, status=400)
    await world.disconnect(provider, remove_events=True)
    await disconnected(world, provider, "disconnecting", "disconnected")


async def test_a_grant_revoked_at_the_service_ends_a_disconnect_too(world: World, service: str) -> None:
    provider, story = await world.connected(service), world.new_class()
    event = await world.shown(provider, await story.book(provider.provider_id))
    await world.sandbox.revoke_grants(provider.account)
    await world.disconnect(provider, remove_events=True)
    await world.states(provider, "connected", "disconnecting", "disconnected")
    await forgotten(world, provider)
    assert await world.events(provider) == [event]
