"""Classes that are over: nothing is put on a calendar for them any more, but what stands there still goes when it has to."""

import pytest

from tests.e2e.ending import stands_until_over
from tests.e2e.world import World

pytestmark = pytest.mark.kafka


async def test_a_class_that_has_ended_is_not_created_but_its_event_is_still_deleted(world: World, service: str) -> None:
    provider, ended, ending = await world.connected(service), world.new_class(), world.new_class()
    revision = await ended.book_last(provider.provider_id, starts_at="2021-10-11T09:30:00", ends_at="2021-10-11T10:00:00")
    skipped = await world.outcome(provider, lambda outcome: outcome.class_id == ended.class_id, what="the ended class")
    assert (skipped.kind.value, skipped.reason, skipped.revision) == ("skipped", "ended", revision)

    await stands_until_over(world, provider, ending)
    await ending.cancel()
    await world.empty(provider)
    assert await world.calls(provider) == ["create", "delete"]
