"""What each domain event does to the calendars, read back from them: the meaning of the fold, end to end."""

from datetime import datetime

import pytest

from tests.e2e.sandbox import CalendarEvent
from tests.e2e.world import World

pytestmark = pytest.mark.kafka


def wall(event: CalendarEvent) -> tuple[datetime, datetime]:
    return event.start_local, event.end_local


async def test_a_booked_class_stands_with_all_its_content_and_tells_nobody(world: World, service: str) -> None:
    provider, story = await world.connected(service), world.new_class()
    await story.schedule(provider.provider_id)
    revision = await story.join()

    event = await world.shown(provider, revision)
    assert event.title == "Yoga for beginners"
    assert (event.start_utc.isoformat(), event.end_utc.isoformat()) == ("2030-05-06T07:30:00+00:00", "2030-05-06T08:45:00+00:00")
    assert event.location == "Studio 2"
    assert event.url == "https://classes.example/yoga"
    assert event.description.splitlines() == [
        "yoga · Class · In person",
        "https://classes.example/yoga",
        "Impact Feedback maintains this event. Changes made by hand may be overwritten.",
    ]
    assert event.calendar == "primary"
    assert (event.class_id, event.revision, event.generation) == (story.class_id, 2, 0)
    assert event.mark["key"]
    assert not event.raw.get("attendees")
    summary = await world.sandbox.summary(provider.account)
    assert (summary["notifications"], summary["duplicates"]) == (0, 0)
    assert await world.calls(provider) == ["create"]


async def test_a_class_without_students_stands_nowhere_until_the_first_one_comes(world: World, service: str) -> None:
    provider, story = await world.connected(service), world.new_class()
    await story.schedule(provider.provider_id)
    await story.relocate("Studio 9")
    revision = await story.join()
    assert (await world.shown(provider, revision)).location == "Studio 9"
    assert [intent.revision for intent in await world.intents(provider)] == [revision]


async def test_a_second_student_costs_nothing(world: World, service: str) -> None:
    provider, story = await world.connected(service), world.new_class()
    first = await world.shown(provider, await story.book(provider.provider_id))
    for _ in range(3):
        await story.join()
    await story.leave()
    await world.settled()
    assert await world.events(provider) == [first]
    assert await world.calls(provider) == ["create"]
    assert [intent.revision for intent in await world.intents(provider)] == [first.revision]


async def test_a_moved_relocated_and_renamed_class_stays_the_same_event(world: World, service: str) -> None:
    provider, story = await world.connected(service), world.new_class()
    made = await world.shown(provider, await story.book(provider.provider_id))

    event = await world.shown(provider, await story.reschedule("2030-05-07T18:00:00", "2030-05-07T19:00:00", "Europe/Lisbon"))
    assert wall(event) == (datetime(2030, 5, 7, 18), datetime(2030, 5, 7, 19))
    assert event.start_utc.isoformat() == "2030-05-07T17:00:00+00:00"

    event = await world.shown(provider, await story.relocate("Room 5"))
    assert (event.location, event.description.splitlines()[0]) == ("Room 5", "yoga · Class · In person")
    event = await world.shown(provider, await story.relocate("Video call", presence="online"))
    assert (event.location, event.description.splitlines()[0]) == ("Video call", "yoga · Class · Online")

    event = await world.shown(provider, await story.change_details(title="Yoga, slowly", class_type="slow yoga"))
    assert (event.title, event.url) == ("Yoga, slowly", "https://classes.example/yoga")
    event = await world.shown(provider, await story.change_details(url=None))
    assert (event.title, event.url) == ("Yoga, slowly", None)

    assert event.id == made.id
    assert wall(event) == (datetime(2030, 5, 7, 18), datetime(2030, 5, 7, 19))
    assert await world.calls(provider) == ["create"] + ["update"] * 5


async def test_a_reassigned_class_goes_from_one_provider_to_the_other(world: World, service: str) -> None:
    before, after, story = await world.connected(service), await world.connected(service), world.new_class()
    await world.shown(before, await story.book(before.provider_id))
    revision = await story.reassign(after.provider_id)
    assert (await world.shown(after, revision)).title == "Yoga for beginners"
    await world.empty(before)
    assert await world.calls(before) == ["create", "delete"]


@pytest.mark.parametrize("other_service", ["google", "microsoft"])
async def test_a_class_of_two_providers_stands_on_both_calendars(world: World, service: str, other_service: str) -> None:
    one, other, story = await world.connected(service), await world.connected(other_service), world.new_class()
    revision = await story.book(one.provider_id, other.provider_id)
    events = [await world.shown(one, revision), await world.shown(other, revision)]
    assert events[0].mark["key"] != events[1].mark["key"]
    revision = await story.reassign(other.provider_id)
    await world.empty(one)
    await story.relocate("Elsewhere")
    event = await world.shown(other, revision + 1)
    assert event.id == events[1].id
    assert await world.calls(other) == ["create", "update"], "the reassignment left this provider's entry as it was"


async def test_a_cancelled_class_goes_and_a_revived_one_comes_again(world: World, service: str) -> None:
    provider, story = await world.connected(service), world.new_class()
    made = await world.shown(provider, await story.book(provider.provider_id))
    await story.cancel()
    await world.empty(provider)
    await story.join()
    await story.relocate("Studio 3")

    revived = await world.shown(provider, await story.schedule(provider.provider_id, title="Yoga again"))
    assert (revived.title, revived.location) == ("Yoga again", "Studio 2")
    assert revived.generation == made.generation + 1
    assert revived.id != made.id
    assert await world.calls(provider) == ["create", "delete", "create"]


async def test_when_the_last_student_leaves_the_event_goes_and_comes_with_the_next_one(world: World, service: str) -> None:
    provider, story = await world.connected(service), world.new_class()
    await story.book(provider.provider_id)
    await world.shown(provider, await story.join() - 1)
    await story.leave()
    await story.leave()
    await world.empty(provider)
    await world.shown(provider, await story.join())
    assert await world.calls(provider) == ["create", "delete", "create"]


async def test_an_appointment_is_shown_as_one(world: World, service: str) -> None:
    provider, story = await world.connected(service), world.new_class()
    appointment = {"kind": "appointment", "class_type": "intake", "title": "First talk", "presence": "hybrid", "url": None}
    revision = await story.book(provider.provider_id, **appointment)
    event = await world.shown(provider, revision)
    assert (event.title, event.url) == ("First talk", None)
    assert event.description.splitlines()[0] == "intake · Appointment · In person and online"
