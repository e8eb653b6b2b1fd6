"""Versions and snapshots: repeats, gaps, what comes first or twice, and the whole truth at once."""

import pytest

from tests.e2e.booking import STRUCTURED
from tests.e2e.metrics import counter, counts
from tests.e2e.world import World

pytestmark = pytest.mark.kafka


async def test_a_stale_version_is_dropped_and_counted(world: World, service: str) -> None:
    provider, story = await world.connected(service), world.new_class()
    await story.book(provider.provider_id)
    await story.relocate("Studio 7")
    before = await counter(world, "fold", "impact_fold_events", result="repeat")
    await story.tell("class.relocated", 2, location="An older truth")
    await story.tell("class.relocated", 3, location="Another truth of the same version")
    event = await world.shown(provider, await story.change_details(title="Still in studio 7"))
    assert (event.title, event.location) == ("Still in studio 7", "Studio 7")
    await counts(world, "fold", "impact_fold_events", before + 2, result="repeat")


async def test_a_gap_is_folded_counted_and_logged(world: World, service: str) -> None:
    provider, story = await world.connected(service), world.new_class()
    await story.book(provider.provider_id)
    before = await counter(world, "fold", "impact_fold_version_gaps")
    event = await world.shown(provider, await story.tell("class.relocated", 40, location="After a gap"))
    assert event.location == "After a gap"
    await counts(world, "fold", "impact_fold_version_gaps", before + 1)
    assert f'"class_id": "{story.class_id}", "version": 40' in world.stack.logs["fold.log"].decode()
    await story.tell("class.cancelled", 39)
    assert (await world.shown(provider, await story.change_details(title="Not cancelled by what came late"))).revision == 41


async def test_a_roster_that_comes_before_its_class_counts(world: World, service: str) -> None:
    provider, story = await world.connected(service), world.new_class()
    await story.join()
    await story.join()
    await story.leave()
    assert (await world.shown(provider, await story.schedule(provider.provider_id))).revision == 4


async def test_the_first_load_by_a_snapshot_stands_at_its_version(world: World, service: str) -> None:
    provider, story = await world.connected(service), world.new_class()
    event = await world.shown(provider, await story.snapshot(provider.provider_id, version=118, students=3))
    assert (event.title, event.revision) == ("Yoga for beginners", 118)
    await story.relocate("Next door")
    assert (await world.shown(provider, 119)).id == event.id


async def test_a_snapshot_repairs_the_roster_and_the_details(world: World, service: str) -> None:
    provider, other, story = await world.connected(service), await world.connected(service), world.new_class()
    first = await world.shown(provider, await story.book(provider.provider_id))
    revision = await story.snapshot(provider.provider_id, other.provider_id, version=10, title="Repaired", url=None)
    repaired = await world.shown(provider, revision)
    assert (repaired.id, repaired.title, repaired.url) == (first.id, "Repaired", None)
    await world.shown(other, revision)
    await story.snapshot(provider.provider_id, students=0)
    await world.empty(provider)
    await world.empty(other)


async def test_a_cancelled_snapshot_takes_the_event_away_and_a_later_one_brings_it_back(world: World, service: str) -> None:
    provider, story = await world.connected(service), world.new_class()
    await world.shown(provider, await story.book(provider.provider_id))
    await story.snapshot(provider.provider_id, cancelled=True)
    await world.empty(provider)
    assert (await world.shown(provider, await story.snapshot(provider.provider_id))).generation == 1


async def test_a_story_published_again_changes_nothing(world: World, service: str) -> None:
    provider, story = await world.connected(service), world.new_class()
    await story.book(provider.provider_id)
    await story.relocate("Studio 8")
    await story.cancel()
    event = await world.shown(provider, await story.schedule(provider.provider_id, title="Revived"))
    await world.settled()
    intents, calls = await world.intents(provider), await world.calls(provider)
    for value in list(story.published):
        await world.publish(story.class_id.encode(), value, STRUCTURED)
    await world.settled()
    assert await world.events(provider) == [event]
    assert await world.intents(provider) == intents
    assert await world.calls(provider) == calls


async def test_an_event_in_binary_mode_is_taken_too(world: World, service: str) -> None:
    provider, story = await world.connected(service), world.new_class()
    await story.schedule(provider.provider_id)
    story.version = 2
    headers = (
        ("ce_specversion", b"1.0"),
        ("ce_id", b"binary-1"),
        ("ce_source", b"/impact-feedback/booking"),
        ("ce_type", b"com.impactfeedback.booking.roster.student_added.v1"),
        ("ce_subject", story.class_id.encode()),
        ("ce_time", b"2030-01-01T10:00:00Z"),
        ("content-type", b"application/json"),
    )
    value = f'{{"class_id": "{story.class_id}", "version": 2, "student_id": "pupil-binary", "added_by": "a later release"}}'
    await story.publish_raw(value.encode(), headers)
    await world.shown(provider, 2)
    (intent,) = await world.intents(provider)
    assert (intent.caused_by, intent.cause) == ("binary-1", "com.impactfeedback.booking.roster.student_added.v1")
