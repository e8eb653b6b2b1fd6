"""What adapters.ports.CalendarPort promises of each operation, over the fakes and over both real adapters against the simulators."""

from datetime import UTC, datetime

import pytest

from adapters.errors import AlreadyExists, EventGone
from adapters.ports import RemoteEvent
from adapters.wording import MAINTAINED_BY
from schemas.events import Kind, Presence
from tests.contract.backends import Backend
from tests.contract.samples import ENTRY, MARK, entry, failure, mark


async def test_a_created_event_shows_the_class_and_says_who_maintains_it(backend: Backend) -> None:
    made = await backend.calendar.create(await backend.access_token(), ENTRY, MARK)
    [seen] = await backend.seen()
    assert made == RemoteEvent(remote_id=seen.remote_id, revision=3, generation=1)
    assert (seen.title, seen.location) == (ENTRY.title, ENTRY.location)
    assert (seen.start_utc, seen.end_utc) == (datetime(2026, 3, 2, 8, 30, tzinfo=UTC), datetime(2026, 3, 2, 9, 45, tzinfo=UTC))
    for shown in ("Yoga", "Class", "In person and online", ENTRY.url, MAINTAINED_BY):
        assert shown is not None
        assert shown in seen.description


async def test_a_created_event_has_no_attendee_and_tells_nobody(backend: Backend) -> None:
    token = await backend.access_token()
    made = await backend.calendar.create(token, ENTRY, MARK)
    await backend.calendar.update(token, made.remote_id, entry(title="Later"), mark(revision=4))
    [seen] = await backend.seen()
    assert not seen.raw.get("attendees")
    await backend.calendar.delete(token, made.remote_id)
    assert await backend.notifications() == 0


async def test_a_repeated_create_gives_the_event_of_the_first_time(backend: Backend) -> None:
    token = await backend.access_token()
    first = await backend.calendar.create(token, ENTRY, MARK)
    assert await backend.calendar.create(token, ENTRY, MARK) == first
    assert len(await backend.seen()) == 1


async def test_a_create_under_the_same_mark_with_another_body_is_refused_and_changes_nothing(backend: Backend) -> None:
    token = await backend.access_token()
    await backend.calendar.create(token, ENTRY, MARK)
    error = await failure(backend.calendar.create(token, entry(title="Other"), MARK), token)
    assert isinstance(error, AlreadyExists)
    assert [seen.title for seen in await backend.seen()] == [ENTRY.title]


async def test_a_deleted_event_is_not_made_again_under_its_mark_but_in_the_next_generation(backend: Backend) -> None:
    token = await backend.access_token()
    first = await backend.calendar.create(token, ENTRY, MARK)
    await backend.calendar.delete(token, first.remote_id)
    assert isinstance(await failure(backend.calendar.create(token, ENTRY, MARK), token), AlreadyExists)
    assert await backend.seen() == []

    second = await backend.calendar.create(token, ENTRY, mark(generation=2))
    assert second.generation == 2
    assert [seen.remote_id for seen in await backend.seen()] == [second.remote_id] != [first.remote_id]


async def test_classes_and_providers_do_not_share_events(backend: Backend) -> None:
    token = await backend.access_token()
    marks = [
        MARK,
        mark(class_id="class-2"),
        mark(provider_id="provider-1class", class_id="-1"),
        mark(provider_id="provider-", class_id="1class-1"),
    ]
    made = {(await backend.calendar.create(token, ENTRY, each)).remote_id for each in marks}
    assert len(made) == len(marks) == len(await backend.seen())


async def test_an_update_overwrites_what_we_maintain_and_can_be_repeated(backend: Backend) -> None:
    token = await backend.access_token()
    made = await backend.calendar.create(token, ENTRY, MARK)
    later = entry(
        title="Evening yoga",
        kind=Kind.APPOINTMENT,
        presence=Presence.ONLINE,
        location="Online",
        url=None,
        starts_at=datetime(2026, 3, 3, 18),
        ends_at=datetime(2026, 3, 3, 19),
    )
    for _ in range(2):
        changed = await backend.calendar.update(token, made.remote_id, later, mark(revision=5))
        assert changed == RemoteEvent(remote_id=made.remote_id, revision=5, generation=1)
        [seen] = await backend.seen()
        assert (seen.title, seen.location) == ("Evening yoga", "Online")
        assert (seen.start_utc, seen.end_utc) == (datetime(2026, 3, 3, 17, tzinfo=UTC), datetime(2026, 3, 3, 18, tzinfo=UTC))
        assert "Appointment · Online" in seen.description
        assert "impact.example" not in seen.description
    assert await backend.calendar.find(token, MARK) == changed


async def test_an_update_overwrites_a_change_by_hand(backend: Backend) -> None:
    token = await backend.access_token()
    made = await backend.calendar.create(token, ENTRY, MARK)
    await backend.rename_by_hand(made.remote_id, "Mine")
    await backend.calendar.update(token, made.remote_id, entry(location="Hall 3"), mark(revision=4))
    assert [(seen.title, seen.location) for seen in await backend.seen()] == [(ENTRY.title, "Hall 3")]


async def test_an_update_takes_the_place_away(backend: Backend) -> None:
    token = await backend.access_token()
    made = await backend.calendar.create(token, ENTRY, MARK)
    await backend.calendar.update(token, made.remote_id, entry(location=""), mark(revision=4))
    assert [seen.location for seen in await backend.seen()] == [""]


@pytest.mark.parametrize("by_hand", [True, False])
async def test_an_update_of_an_event_that_is_gone_says_so_and_does_not_bring_it_back(backend: Backend, by_hand: bool) -> None:
    token = await backend.access_token()
    made = await backend.calendar.create(token, ENTRY, MARK)
    if by_hand:
        await backend.remove_by_hand(made.remote_id)
    else:
        await backend.calendar.delete(token, made.remote_id)
    error = await failure(backend.calendar.update(token, made.remote_id, ENTRY, mark(revision=4)), token)
    assert isinstance(error, EventGone)
    assert await backend.seen() == []


async def test_a_delete_says_whether_the_event_stood(backend: Backend) -> None:
    token = await backend.access_token()
    made = await backend.calendar.create(token, ENTRY, MARK)
    assert await backend.calendar.delete(token, made.remote_id) is True
    assert await backend.calendar.delete(token, made.remote_id) is False
    assert await backend.seen() == []


async def test_a_delete_of_what_was_removed_by_hand_is_done_already(backend: Backend) -> None:
    token = await backend.access_token()
    made = await backend.calendar.create(token, ENTRY, MARK)
    await backend.remove_by_hand(made.remote_id)
    assert await backend.calendar.delete(token, made.remote_id) is False


async def test_find_gives_only_the_standing_event_of_this_provider_class_and_generation(backend: Backend) -> None:
    token = await backend.access_token()
    assert await backend.calendar.find(token, MARK) is None
    made = await backend.calendar.create(token, ENTRY, MARK)
    assert await backend.calendar.find(token, MARK) == made
    assert await backend.calendar.find(token, mark(revision=9)) == made
    for other in (mark(class_id="class-2"), mark(provider_id="provider-2"), mark(generation=2)):
        assert await backend.calendar.find(token, other) is None
    await backend.calendar.delete(token, made.remote_id)
    assert await backend.calendar.find(token, MARK) is None


async def test_find_tells_generations_apart(backend: Backend) -> None:
    token = await backend.access_token()
    first = await backend.calendar.create(token, ENTRY, MARK)
    second = await backend.calendar.create(token, ENTRY, mark(generation=2, revision=7))
    assert await backend.calendar.find(token, MARK) == first
    assert await backend.calendar.find(token, mark(generation=2)) == second
