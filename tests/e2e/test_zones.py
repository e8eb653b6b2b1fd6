"""Wall times stay what they are, whatever the clocks do: every zone, on both services, that do not take the same names."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from tests.e2e.sandbox import CalendarEvent
from tests.e2e.world import World

pytestmark = pytest.mark.kafka

ZONES = ["Africa/Casablanca", "Asia/Kolkata", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu"]


def wall_in(event: CalendarEvent, zone: str) -> tuple[datetime, datetime]:
    """What a clock on the wall of that zone shows at the event's instants."""
    start, end = (moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for moment in (event.start_utc, event.end_utc))
    return start, end


@pytest.mark.parametrize("zone", ZONES)
async def test_a_class_stands_at_its_wall_time_in_every_zone_and_season(world: World, service: str, zone: str) -> None:
    provider, story = await world.connected(service), world.new_class()
    event = await world.shown(
        provider,
        await story.book(provider.provider_id, starts_at="2030-01-14T09:30:00", ends_at="2030-01-14T10:30:00", time_zone=zone),
    )
    assert wall_in(event, zone) == (datetime(2030, 1, 14, 9, 30), datetime(2030, 1, 14, 10, 30))
    # 2030-01-14 lies in Ramadan, when Morocco's clocks stand an hour back
    for starts_at, ends_at in (("2030-07-15T09:30:00", "2030-07-15T10:30:00"), ("2030-02-20T23:30:00", "2030-02-21T00:30:00")):
        moved = await world.shown(provider, await story.reschedule(starts_at, ends_at, zone))
        assert wall_in(moved, zone) == (datetime.fromisoformat(starts_at), datetime.fromisoformat(ends_at))
        assert moved.id == event.id


async def test_a_class_moved_over_a_change_of_the_clocks_keeps_its_wall_time(world: World, service: str) -> None:
    provider, story = await world.connected(service), world.new_class()
    winter = await world.shown(
        provider, await story.book(provider.provider_id, starts_at="2030-03-30T09:30:00", ends_at="2030-03-30T10:30:00")
    )
    assert winter.start_utc == datetime(2030, 3, 30, 8, 30, tzinfo=UTC)
    summer = await world.shown(provider, await story.reschedule("2030-03-31T09:30:00", "2030-03-31T10:30:00"))
    assert (summer.id, summer.start_utc) == (winter.id, datetime(2030, 3, 31, 7, 30, tzinfo=UTC))
    winter_again = await world.shown(provider, await story.reschedule("2030-10-27T09:30:00", "2030-10-27T10:30:00"))
    assert winter_again.start_utc == datetime(2030, 10, 27, 8, 30, tzinfo=UTC)


async def test_a_wall_time_that_happens_twice_is_the_first_and_one_that_is_skipped_moves_on(world: World, service: str) -> None:
    provider, story = await world.connected(service), world.new_class()
    twice = await world.shown(
        provider, await story.book(provider.provider_id, starts_at="2030-10-27T02:30:00", ends_at="2030-10-27T03:30:00")
    )
    assert (twice.start_utc, twice.end_utc) == (datetime(2030, 10, 27, 0, 30, tzinfo=UTC), datetime(2030, 10, 27, 2, 30, tzinfo=UTC))
    skipped = await world.shown(provider, await story.reschedule("2030-03-31T02:30:00", "2030-03-31T04:00:00"))
    assert wall_in(skipped, "Europe/Berlin") == (datetime(2030, 3, 31, 3, 30), datetime(2030, 3, 31, 4, 0))
    assert skipped.start_utc == datetime(2030, 3, 31, 1, 30, tzinfo=UTC)
