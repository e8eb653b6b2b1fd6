"""Connections that come late, die, come back or change: what waits, what is caught up, and that nothing stands twice."""

import pytest

from schemas.outcomes import OutcomeKind
from tests.e2e.sandbox import Account
from tests.e2e.world import Provider, World

pytestmark = pytest.mark.kafka


async def rests(world: World, provider: Provider, class_id: str, revision: int, reason: str) -> None:
    """Until the class waits, for that reason."""
    wanted = (class_id, revision, OutcomeKind.WAITING, reason)
    await world.outcome(
        provider, lambda found: (found.class_id, found.revision, found.kind, found.reason) == wanted, what=f"waiting: {reason}"
    )


async def test_classes_of_a_provider_who_never_connected_wait_and_are_caught_up(world: World, service: str) -> None:
    provider = world.provider(service)
    kept, cancelled, moved = world.new_class(), world.new_class(), world.new_class()
    await kept.book(provider.provider_id)
    await rests(world, provider, cancelled.class_id, await cancelled.book(provider.provider_id), "not_connected")
    await cancelled.cancel()
    await moved.book(provider.provider_id)
    await rests(world, provider, moved.class_id, await moved.relocate("Moved meanwhile"), "not_connected")
    assert {outcome.service for outcome in await world.outcomes(provider)} == {None}

    await world.connect(provider)
    await world.stand(provider, kept, moved)
    assert {event.location for event in await world.events(provider)} == {"Studio 2", "Moved meanwhile"}
    assert await world.calls(provider) == ["create", "create"]
    for tier in world.topics.tiers:
        assert not await world.tail.read(world.topics.retry(tier), provider.provider_id), "waiting costs no retry"
    assert [status.state.value for status in await world.statuses(provider)] == ["connected"]


async def test_a_dead_grant_is_told_once_and_everything_owed_is_done_after_reconnecting(world: World, service: str) -> None:
    provider = await world.connected(service)
    cancelled, moved, new = world.new_class(), world.new_class(), world.new_class()
    await cancelled.book(provider.provider_id)
    await moved.book(provider.provider_id)
    await world.stand(provider, cancelled, moved)
    moved_id = next(event.id for event in await world.events(provider) if event.class_id == moved.class_id)

    await world.sandbox.revoke_grants(provider.account)
    await rests(world, provider, cancelled.class_id, await cancelled.cancel(), "needs_reconnect")
    await rests(world, provider, moved.class_id, await moved.relocate("Studio 3"), "needs_reconnect")
    await world.settled()
    asked = len(await world.sandbox.requests(provider.account))
    await rests(world, provider, new.class_id, await new.book(provider.provider_id), "needs_reconnect")
    await rests(world, provider, moved.class_id, await moved.relocate("Studio 4"), "needs_reconnect")
    await world.settled()
    assert len(await world.sandbox.requests(provider.account)) == asked, "a dead grant is not tried again"
    statuses = await world.states(provider, "connected", "needs_reconnect")
    assert (len(statuses), statuses[-1].reason) == (2, "invalid_grant")
    assert not await world.tail.read(world.topics.intents_dlq, provider.provider_id)

    await world.connect(provider)
    await world.stand(provider, moved, new)
    event = await world.shown_among(provider, moved)
    assert (event.id, event.location) == (moved_id, "Studio 4")
    assert len(await world.states(provider, "connected", "needs_reconnect", "connected")) == 3


async def test_a_mailbox_that_comes_back_under_another_address_shows_each_class_once(world: World, service: str) -> None:
    """Nobody can be asked whether the two are one: the old grant is dead, and no account is named."""
    provider = await world.connected(service)
    kept, moved, cancelled = world.new_class(), world.new_class(), world.new_class()
    for story in (kept, moved, cancelled):
        await story.book(provider.provider_id)
    before = {event.id for event in await world.stand(provider, kept, moved, cancelled)}
    await world.sandbox.revoke_grants(provider.account)
    await rests(world, provider, moved.class_id, await moved.relocate("Studio 3"), "needs_reconnect")
    await rests(world, provider, cancelled.class_id, await cancelled.cancel(), "needs_reconnect")

    await world.connect(provider, email=f"renamed-{provider.account.email}")
    await world.shown_among(provider, moved)
    after = {event.id: event.location for event in await world.stand(provider, kept, moved)}
    assert set(after) < before
    assert sorted(after.values()) == ["Studio 2", "Studio 3"]
    assert "create" not in (await world.calls(provider))[3:]


async def test_a_token_endpoint_that_says_invalid_grant_means_reconnect_before_the_first_call(world: World, service: str) -> None:
    provider, story = await world.connected(service), world.new_class()
    await world.sandbox.revoke_grants(provider.account)
    await rests(world, provider, story.class_id, await story.book(provider.provider_id), "needs_reconnect")
    await world.settled()
    assert [entry["operation"] for entry in await world.sandbox.requests(provider.account)] == ["token"]
    await world.connect(provider)
    await world.stand(provider, story)


async def test_reconnecting_the_same_account_makes_no_second_event(world: World, service: str) -> None:
    provider, story = await world.connected(service), world.new_class()
    event = await world.shown(provider, await story.book(provider.provider_id))
    await world.connect(provider)
    await world.states(provider, "connected", "connected")
    await world.settled()
    assert await world.events(provider) == [event]
    updated = await world.shown(provider, await story.relocate("Studio 5"))
    assert updated.id == event.id
    assert await world.calls(provider) == ["create", "update"]


async def test_a_connection_event_that_breaks_its_contract_stops_nobody(world: World, service: str) -> None:
    provider, story = world.provider(service), world.new_class()
    key = provider.provider_id.encode()
    for value in (b"{", None, b'{"type": "connection.granted", "provider_id": "somebody else"}'):
        await world.send(world.topics.connections, key, value)
    await world.connect(provider)
    await world.shown(provider, await story.book(provider.provider_id))


@pytest.mark.parametrize("other_service", ["google", "microsoft"])
async def test_connecting_another_account_moves_the_events(world: World, service: str, other_service: str) -> None:
    provider, story, cancelled = await world.connected(service), world.new_class(), world.new_class()
    await story.book(provider.provider_id)
    await cancelled.book(provider.provider_id)
    await world.stand(provider, story, cancelled)
    await cancelled.cancel()
    await world.stand(provider, story)
    old = provider.account

    await world.connect(provider, Account(other_service, f"other-{old.email}"))
    await world.stand(provider, story)
    await world.until(lambda: is_empty(world, old), what="nothing on the old calendar")
    await world.until(lambda: is_forgotten(world, provider, old), what="the old grant to be forgotten")
    updated = await world.shown(provider, await story.relocate("Studio 6"))
    assert updated.location == "Studio 6"
    assert await world.sandbox.events(old) == []


async def test_connecting_another_account_with_nothing_to_move_forgets_the_old_grant(world: World, service: str) -> None:
    provider = await world.connected(service)
    old = provider.account
    await world.connect(provider, Account(service, f"other-{old.email}"))
    await world.until(lambda: is_forgotten(world, provider, old), what="the old grant to be forgotten")


async def test_an_old_calendar_that_refuses_to_let_go_does_not_keep_a_class_off_the_new_one(world: World, service: str) -> None:
    provider, story = await world.connected(service), world.new_class()
    await story.book(provider.provider_id)
    await world.stand(provider, story)
    old = provider.account
    await world.sandbox.fault(service, "status", operation="delete", email=old.email, status=400)

    await world.connect(provider, Account(service, f"other-{old.email}"))
    await world.stand(provider, story)
    await world.until(lambda: is_forgotten(world, provider, old), what="the old grant to be forgotten")


async def is_empty(world: World, account: Account) -> bool:
    return not await world.sandbox.events(account)


async def is_forgotten(world: World, provider: Provider, old: Account) -> bool:
    """Whether only the grant in force is kept, and the old one was revoked where its service can."""
    row = await world.connection_row(provider)
    revoked = [entry["status"] for entry in await world.sandbox.requests(old, "revoke")]
    assert row["current"]["grant_id"] == provider.grant_id
    return not row["retiring"] and revoked == ([200] if old.service == "google" else [])
