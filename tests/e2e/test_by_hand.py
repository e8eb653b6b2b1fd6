"""What the provider does to an event by hand: removed is respected, edited is overwritten by the next real change."""

from typing import Any

import pytest

from schemas.outcomes import Outcome, OutcomeKind
from tests.e2e.world import Provider, World

pytestmark = pytest.mark.kafka

CHANGES: dict[str, tuple[str, dict[str, Any]]] = {
    "another time": (
        "class.rescheduled",
        {"starts_at": "2030-05-06T11:00:00", "ends_at": "2030-05-06T12:00:00", "time_zone": "Europe/Berlin"},
    ),
    "another date": (
        "class.rescheduled",
        {"starts_at": "2030-05-08T09:30:00", "ends_at": "2030-05-08T10:45:00", "time_zone": "Europe/Berlin"},
    ),
    "another place": ("class.relocated", {"location": "Studio 11"}),
}


async def dismissed(world: World, provider: Provider, revision: int) -> Outcome:
    return await world.outcome(provider, lambda found: (found.revision, found.kind) == (revision, OutcomeKind.DISMISSED), what="dismissed")


@pytest.mark.parametrize("change", CHANGES)
async def test_a_removed_event_stays_away_until_date_time_or_place_changes(world: World, service: str, change: str) -> None:
    provider, story = await world.connected(service), world.new_class()
    event = await world.shown(provider, await story.book(provider.provider_id))
    await world.sandbox.remove_by_hand(provider.account, event)

    await dismissed(world, provider, await story.change_details(title="Another title"))
    calls = await world.calls(provider)
    await dismissed(world, provider, await story.change_details(title="Yet another title"))
    assert await world.calls(provider) == calls, "once it is known as removed, nobody asks again"
    assert await world.events(provider) == []

    short_type, data = CHANGES[change]
    back = await world.shown(provider, await story.tell(short_type, **data))
    assert (back.title, back.generation) == ("Yet another title", 1)
    await world.shown(provider, await story.change_details(title="Followed as before"))


async def test_a_removed_event_comes_back_with_the_very_change_that_finds_it_gone(world: World, service: str) -> None:
    provider, story = await world.connected(service), world.new_class()
    event = await world.shown(provider, await story.book(provider.provider_id))
    await world.sandbox.remove_by_hand(provider.account, event)
    back = await world.shown(provider, await story.relocate("Studio 12"))
    assert (back.location, back.generation) == ("Studio 12", 1)


async def test_a_removed_event_of_a_class_that_is_cancelled_is_done_with(world: World, service: str) -> None:
    provider, story = await world.connected(service), world.new_class()
    event = await world.shown(provider, await story.book(provider.provider_id))
    await world.sandbox.remove_by_hand(provider.account, event)
    revision = await story.cancel()
    await world.outcome(provider, lambda found: (found.revision, found.kind) == (revision, OutcomeKind.DELETED), what="deleted")
    assert (await world.shown(provider, await story.schedule(provider.provider_id))).generation == 1


async def test_an_edited_event_is_left_alone_until_the_next_real_change_overwrites_it(world: World, service: str) -> None:
    provider, story = await world.connected(service), world.new_class()
    event = await world.shown(provider, await story.book(provider.provider_id))
    await world.sandbox.edit_by_hand(
        provider.account, event, title="Mine", location="At home", start="2030-05-06T15:00:00", end="2030-05-06T16:00:00"
    )
    await story.join()
    await world.settled()
    (edited,) = await world.events(provider)
    assert (edited.title, edited.location) == ("Mine", "At home")

    event = await world.shown(provider, await story.change_details(title="Yoga for everybody"))
    assert (event.title, event.location, event.start_local.isoformat()) == ("Yoga for everybody", "Studio 2", "2030-05-06T09:30:00")
    assert await world.calls(provider) == ["create", "update"]


async def test_an_event_moved_to_another_google_calendar_counts_as_removed(world: World) -> None:
    provider, story = await world.connected("google"), world.new_class()
    event = await world.shown(provider, await story.book(provider.provider_id))
    await world.sandbox.move_by_hand(provider.account, event)
    await dismissed(world, provider, await story.change_details(title="Another title"))
    (moved,) = await world.events(provider)
    assert (moved.calendar, moved.title) == ("other", "Yoga for beginners")

    await story.relocate("Studio 13")

    async def both() -> bool:
        found = {(found.calendar, found.location) for found in await world.events(provider)}
        assert found == {("other", "Studio 2"), ("primary", "Studio 13")}, found
        return True

    await world.until(both, what="the class on the primary calendar again")


async def test_an_event_moved_to_another_outlook_calendar_is_followed_there(world: World) -> None:
    provider, story = await world.connected("microsoft"), world.new_class()
    event = await world.shown(provider, await story.book(provider.provider_id))
    await world.sandbox.move_by_hand(provider.account, event)
    moved = await world.shown(provider, await story.relocate("Studio 14"))
    assert (moved.id, moved.calendar, moved.location) == (event.id, "other", "Studio 14")
    await story.cancel()
    await world.empty(provider)
