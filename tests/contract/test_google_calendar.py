"""What only Google has: reasons of a 403, deleted events that answer, events dragged to all day, the search by private property."""

from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest

from adapters.errors import CalendarError, EventGone, Misconfigured, Permanent, ReconnectNeeded, ServiceFailing, Throttled
from adapters.google.mapping import create_body, event_id
from tests.contract.samples import ENTRY, MARK, entry, failure, mark
from tests.contract.sandbox_backend import SandboxBackend

NOW = datetime(2026, 3, 2, tzinfo=UTC)


async def as_a_person(google: SandboxBackend, method: str, path: str = "", body: Any = None) -> Any:
    """What Google's own pages or another application do to the calendar."""
    url = f"{google.sandbox.base_url}/calendar/v3/calendars/primary/events{path}"
    headers = {"authorization": f"Bearer {await google.access_token()}"}
    async with aiohttp.ClientSession() as session, session.request(method, url, json=body, headers=headers) as response:
        assert response.status < 300, await response.text()
        return await response.json() if response.status != 204 else None


@pytest.mark.parametrize(
    ("reason", "expected", "wait"),
    [
        ("rateLimitExceeded", Throttled, None),
        ("userRateLimitExceeded", Throttled, None),
        ("quotaExceeded", Throttled, 3600.0),
        ("insufficientPermissions", ReconnectNeeded, None),
        ("accessNotConfigured", Misconfigured, None),
        ("forbiddenForNonOrganizer", Permanent, None),
    ],
)
async def test_a_403_is_split_by_its_reason(google: SandboxBackend, reason: str, expected: type[CalendarError], wait: float | None) -> None:
    token = await google.access_token()
    await google.answer_next(403, operation="create", reason=reason)
    error = await failure(google.calendar.create(token, ENTRY, MARK), token)
    assert (type(error), error.status, error.code) == (expected, 403, reason)
    assert getattr(error, "retry_after", None) == wait


async def test_a_grant_without_the_calendar_scope_needs_the_provider(google: SandboxBackend) -> None:
    await google.connect(scopes=["openid", "https://www.googleapis.com/auth/userinfo.email"])
    error = await failure(google.tokens.refresh(google.refresh_token, NOW), google.refresh_token)
    assert (type(error), error.code) == (ReconnectNeeded, "calendar_scope_missing")


async def test_the_event_carries_a_link_a_source_and_a_private_mark(google: SandboxBackend) -> None:
    await google.calendar.create(await google.access_token(), ENTRY, MARK)
    [seen] = await google.seen()
    assert seen.remote_id == event_id(MARK)
    assert seen.raw["source"] == {"title": ENTRY.title, "url": ENTRY.url}
    assert (seen.mark["impactClass"], seen.mark["impactRevision"], seen.mark["impactGeneration"]) == ("class-1", "3", "1")
    assert seen.raw["transparency"] == "opaque"
    assert seen.raw["start"]["timeZone"] == ENTRY.time_zone
    assert MARK.provider_id not in str(seen.raw)


async def test_an_update_takes_the_source_away_with_the_link(google: SandboxBackend) -> None:
    token = await google.access_token()
    made = await google.calendar.create(token, ENTRY, MARK)
    await google.calendar.update(token, made.remote_id, entry(url="http://plain.example/1"), mark(revision=4))
    [seen] = await google.seen()
    assert "source" not in seen.raw
    assert "http://plain.example/1" in seen.description


async def test_an_update_keeps_what_the_person_added(google: SandboxBackend) -> None:
    token = await google.access_token()
    made = await google.calendar.create(token, ENTRY, MARK)
    reminders = {"useDefault": False, "overrides": [{"method": "popup", "minutes": 90}]}
    touched = {"colorId": "5", "reminders": reminders, "transparency": "transparent", "extendedProperties": {"private": {"other": "app"}}}
    await as_a_person(google, "PATCH", f"/{made.remote_id}", touched)
    await google.calendar.update(token, made.remote_id, entry(title="Later"), mark(revision=4))
    [seen] = await google.seen()
    assert seen.title == "Later"
    assert {name: seen.raw[name] for name in ("colorId", "reminders", "transparency")} == {
        name: touched[name] for name in ("colorId", "reminders", "transparency")
    }
    assert (seen.mark["other"], seen.mark["impactRevision"]) == ("app", "4")


async def test_an_event_that_was_dragged_to_all_day_gets_its_times_back(google: SandboxBackend) -> None:
    token = await google.access_token()
    made = await google.calendar.create(token, ENTRY, MARK)
    whole_day = {"start": {"date": "2026-03-02", "dateTime": None}, "end": {"date": "2026-03-03", "dateTime": None}}
    await as_a_person(google, "PATCH", f"/{made.remote_id}", whole_day)
    await google.calendar.update(token, made.remote_id, ENTRY, mark(revision=4))
    [seen] = await google.seen()
    assert seen.start_utc.isoformat() == "2026-03-02T08:30:00+00:00"
    assert "date" not in seen.raw["start"]


async def test_a_repeated_create_is_known_after_an_update(google: SandboxBackend) -> None:
    token = await google.access_token()
    made = await google.calendar.create(token, ENTRY, MARK)
    changed = await google.calendar.update(token, made.remote_id, entry(title="Later"), mark(revision=4))
    assert await google.calendar.create(token, ENTRY, MARK) == changed
    assert [seen.title for seen in await google.seen()] == ["Later"]


async def test_an_event_under_another_id_is_found_by_its_private_mark(google: SandboxBackend) -> None:
    copies = [{**create_body(ENTRY, mark(generation=generation)), "id": f"ffff{generation}"} for generation in range(4)]
    for body in copies:
        await as_a_person(google, "POST", "", body)
    found = await google.calendar.find(await google.access_token(), mark(generation=2))
    assert found is not None
    assert (found.remote_id, found.generation) == ("ffff2", 2)


async def test_an_event_moved_to_another_calendar_is_gone(google: SandboxBackend) -> None:
    token = await google.access_token()
    made = await google.calendar.create(token, ENTRY, MARK)
    await google.move_by_hand(made.remote_id)
    assert isinstance(await failure(google.calendar.update(token, made.remote_id, ENTRY, mark(revision=4)), token), EventGone)
    assert await google.calendar.find(token, MARK) is None
    assert await google.calendar.delete(token, made.remote_id) is False


async def test_a_foreign_event_under_our_id_is_not_taken_for_ours(google: SandboxBackend) -> None:
    foreign = {"id": event_id(MARK), "start": {"date": "2026-03-02"}, "end": {"date": "2026-03-03"}}
    await as_a_person(google, "POST", "", foreign)
    token = await google.access_token()
    assert await google.calendar.find(token, MARK) is None
    await failure(google.calendar.create(token, ENTRY, MARK), token)
    assert [seen.title for seen in await google.seen()] == [""]


async def test_each_operation_is_one_request(google: SandboxBackend) -> None:
    token = await google.access_token()
    made = await google.calendar.create(token, ENTRY, MARK)
    await google.calendar.update(token, made.remote_id, ENTRY, mark(revision=4))
    await google.calendar.find(token, MARK)
    await google.calendar.delete(token, made.remote_id)
    counts = {operation: len(await google.requests(operation)) for operation in ("create", "update", "get", "list", "delete")}
    assert counts == {"create": 1, "update": 1, "get": 1, "list": 0, "delete": 1}


async def test_a_dropped_delete_is_not_sent_again_underneath(google: SandboxBackend) -> None:
    token = await google.access_token()
    made = await google.calendar.create(token, ENTRY, MARK)
    await google.drop_next(operation="delete", after=True)
    assert isinstance(await failure(google.calendar.delete(token, made.remote_id), token), ServiceFailing)
    assert [request["status"] for request in await google.requests("delete")] == [0]


async def test_a_service_that_went_away_is_a_drop_and_then_was_not_asked(google: SandboxBackend) -> None:
    token = await google.access_token()
    await google.sandbox.close()
    await failure(google.calendar.create(token, ENTRY, MARK), token)  # over the connection that was kept alive, perhaps
    error = await failure(google.calendar.create(token, ENTRY, MARK), token)
    assert (type(error), error.code) == (ServiceFailing, "connect_failed")
