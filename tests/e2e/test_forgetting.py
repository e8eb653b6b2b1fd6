"""Classes whose last day is long past are forgotten by both workers, tombstones and all; those that matter stay."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from streams.domain.agenda import agenda_key
from tests.e2e.booking import ClassStory
from tests.e2e.metrics import counts
from tests.e2e.stack import Stack
from tests.e2e.world import Provider, World

pytestmark = pytest.mark.kafka


@pytest.fixture(scope="module")
def stack(make_stack: Callable[..., Stack]) -> Iterator[Stack]:
    with make_stack("forgetting", IMPACT_FORGET_AFTER_DAYS="1") as running:
        yield running


def days_ago(days: int) -> dict[str, str]:
    end = datetime.now(UTC).replace(tzinfo=None, microsecond=0) - timedelta(days=days)
    return {"starts_at": (end - timedelta(hours=1)).isoformat(), "ends_at": end.isoformat(), "time_zone": "UTC"}


async def kept(world: World, topic: str, key: bytes) -> list[bool]:
    """Of each row written under the key: whether it holds something (True) or forgets it (False)."""
    return [record.value is not None for record in await world.tail.read(topic) if record.key == key]


async def forgotten(world: World, provider: Provider, story: ClassStory) -> bool:
    """Whether both tables had the class, and their last word on it is a tombstone."""
    classes = await kept(world, world.topics.classes_changelog, story.class_id.encode())
    agendas = await kept(world, world.topics.agenda_changelog, agenda_key(provider.provider_id, story.class_id))
    return all(rows[:1] == [True] and rows[-1:] == [False] for rows in (classes, agendas))


async def all_forgotten(world: World, pairs: list[tuple[Provider, ClassStory]]) -> bool:
    return all([await forgotten(world, provider, story) for provider, story in pairs])


async def test_old_classes_are_forgotten_everywhere_and_others_are_not(world: World) -> None:
    providers = [await world.connected("google"), await world.connected("microsoft"), world.provider("google")]
    old, staying = [], []
    for provider in providers:
        long_past, recent, upcoming = world.new_class(), world.new_class(), world.new_class()
        await long_past.book_last(provider.provider_id, **days_ago(40))
        await recent.book(provider.provider_id, **days_ago(0))
        await upcoming.book(provider.provider_id)
        old.append((provider, long_past))
        staying += [(provider, recent), (provider, upcoming)]
    await world.until(lambda: all_forgotten(world, old), what="the old classes to be forgotten")
    for provider, story in staying:
        assert False not in await kept(world, world.topics.classes_changelog, story.class_id.encode())
        assert False not in await kept(world, world.topics.agenda_changelog, agenda_key(provider.provider_id, story.class_id))
    await counts(world, "fold", "impact_fold_forgotten", len(old))


async def test_a_class_that_was_forgotten_and_comes_up_again_is_known_from_then_on(world: World) -> None:
    pairs = [(await world.connected(service), world.new_class()) for service in ("google", "microsoft")]
    for provider, story in pairs:
        await story.book_last(provider.provider_id, **days_ago(40))
    await world.until(lambda: all_forgotten(world, pairs), what="the classes to be forgotten")
    for provider, story in pairs:
        await story.relocate("An event for a class that nobody knows any more")
        event = await world.shown(provider, await story.snapshot(provider.provider_id, title="Held once more"))
        assert (event.title, event.generation) == ("Held once more", 0)
