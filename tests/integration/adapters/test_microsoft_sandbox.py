"""What only Microsoft has, against the simulated Graph: zone names, transaction ids, immutable ids, codes, rotation."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from msgraph.generated.models.event import Event
from tzlocal.windows_tz import win_tz

from adapters.errors import AlreadyExists, CalendarError, EventGone, Permanent, ReconnectNeeded, Retryable, ServiceFailing, Throttled
from adapters.microsoft.mapping import CLASS, GENERATION, KEY, REVISION, create_event
from adapters.microsoft.requests import GraphRequests
from adapters.microsoft.zones import windows_name
from adapters.ports import RemoteEvent
from schemas.connections import Service
from schemas.wall_time import instants
from tests.contract.samples import ENTRY, MARK, entry, failure, mark
from tests.contract.sandbox_backend import SandboxBackend, sandbox_backend

NOW = datetime(2026, 3, 2, tzinfo=UTC)
WITHOUT_A_SAFE_NAME = ["Africa/Casablanca", "America/Vancouver", "Antarctica/Troll", "Asia/Jerusalem"]


@pytest.fixture
async def microsoft() -> AsyncIterator[SandboxBackend]:
    async with sandbox_backend(Service.MICROSOFT) as running:
        yield running


async def as_a_person(microsoft: SandboxBackend, method: str, path: str = "", body: Any = None) -> Any:
    """What Outlook or another application does to the calendar."""
    url = f"{microsoft.sandbox.base_url}/v1.0/me/events{path}"
    headers = {"authorization": f"Bearer {await microsoft.access_token()}", "prefer": 'IdType="ImmutableId"'}
    async with aiohttp.ClientSession() as session, session.request(method, url, json=body, headers=headers) as response:
        assert response.status < 300, await response.text()
        return await response.json() if response.status != 204 else None


def body_of(event: Event) -> Any:
    return json.loads(GraphRequests("http://localhost/v1.0").create(event).body or b"")


async def test_every_zone_name_that_we_send_is_taken_and_stands_at_its_instants(microsoft: SandboxBackend) -> None:
    token = await microsoft.access_token()
    zones = [zone for zone in win_tz.values() if windows_name(zone)] + WITHOUT_A_SAFE_NAME
    for number, zone in enumerate(zones):
        await microsoft.calendar.create(token, entry(time_zone=zone, title=zone), mark(class_id=f"class-{number}"))
    expected = {(zone, *instants(ENTRY.starts_at, ENTRY.ends_at, zone)) for zone in zones}
    assert {(seen.title, seen.start_utc, seen.end_utc) for seen in await microsoft.seen()} == expected


async def test_the_event_is_planned_in_the_zone_of_the_class(microsoft: SandboxBackend) -> None:
    token = await microsoft.access_token()
    await microsoft.calendar.create(token, entry(time_zone="Asia/Kolkata"), MARK)
    [seen] = await microsoft.seen()
    assert seen.raw["originalStartTimeZone"] == "India Standard Time"


async def test_the_event_carries_a_private_mark_and_blocks_the_time(microsoft: SandboxBackend) -> None:
    await microsoft.calendar.create(await microsoft.access_token(), ENTRY, MARK)
    [seen] = await microsoft.seen()
    properties = {each["id"]: each["value"] for each in seen.raw["singleValueExtendedProperties"]}
    assert (properties[CLASS], properties[REVISION], properties[GENERATION]) == ("class-1", "3", "1")
    assert MARK.provider_id not in str(seen.raw)
    assert (seen.raw["showAs"], seen.raw["attendees"], seen.raw["isOnlineMeeting"]) == ("busy", [], False)


async def test_an_update_keeps_what_the_person_added(microsoft: SandboxBackend) -> None:
    token = await microsoft.access_token()
    made = await microsoft.calendar.create(token, ENTRY, MARK)
    touched = {"showAs": "free", "isReminderOn": False, "categories": ["Blue"], "importance": "high"}
    await as_a_person(microsoft, "PATCH", f"/{made.remote_id}", touched)
    await microsoft.calendar.update(token, made.remote_id, entry(title="Later"), mark(revision=4))
    [seen] = await microsoft.seen()
    assert seen.title == "Later"
    assert {name: seen.raw[name] for name in touched} == touched


async def test_an_event_that_was_dragged_to_all_day_gets_its_times_back(microsoft: SandboxBackend) -> None:
    token = await microsoft.access_token()
    made = await microsoft.calendar.create(token, ENTRY, MARK)
    midnight, next_midnight = ({"dateTime": f"2026-03-0{day}T00:00:00", "timeZone": "UTC"} for day in (2, 3))
    await as_a_person(microsoft, "PATCH", f"/{made.remote_id}", {"isAllDay": True, "start": midnight, "end": next_midnight})
    await microsoft.calendar.update(token, made.remote_id, ENTRY, mark(revision=4))
    [seen] = await microsoft.seen()
    assert (seen.raw["isAllDay"], seen.start_utc.isoformat()) == (False, "2026-03-02T08:30:00+00:00")


@pytest.mark.parametrize("status", [400, 409])
async def test_a_duplicate_transaction_of_our_own_gives_the_event_that_stands(microsoft: SandboxBackend, status: int) -> None:
    """Graph has answered with an error and kept the event."""
    token = await microsoft.access_token()
    await microsoft.answer_next(status, operation="create", keep_work=True, reason="ErrorDuplicateTransactionId")
    made = await microsoft.calendar.create(token, ENTRY, MARK)
    [seen] = await microsoft.seen()
    assert made == RemoteEvent(remote_id=seen.remote_id, revision=3, generation=1)


async def test_a_duplicate_transaction_of_which_nothing_stands_is_said(microsoft: SandboxBackend) -> None:
    token = await microsoft.access_token()
    await microsoft.answer_next(409, operation="create", reason="ErrorDuplicateTransactionId")
    assert isinstance(await failure(microsoft.calendar.create(token, ENTRY, MARK), token), AlreadyExists)


async def test_an_event_made_under_another_transaction_is_found_by_its_private_mark(microsoft: SandboxBackend) -> None:
    """Parallel creates can make several events in spite of one transaction id."""
    for generation in range(3):
        event = create_event(ENTRY, mark(generation=generation))
        event.transaction_id = f"other-{generation}"
        await as_a_person(microsoft, "POST", "", body_of(event))
    found = await microsoft.calendar.find(await microsoft.access_token(), mark(generation=2))
    assert found is not None
    assert (found.revision, found.generation) == (3, 2)


async def test_an_event_with_our_key_and_a_broken_mark_is_not_taken_for_ours(microsoft: SandboxBackend) -> None:
    body = body_of(create_event(ENTRY, MARK))
    body["singleValueExtendedProperties"] = [each for each in body["singleValueExtendedProperties"] if each["id"] == KEY]
    await as_a_person(microsoft, "POST", "", body)
    assert await microsoft.calendar.find(await microsoft.access_token(), MARK) is None


async def test_an_event_moved_to_another_calendar_keeps_its_id(microsoft: SandboxBackend) -> None:
    token = await microsoft.access_token()
    made = await microsoft.calendar.create(token, ENTRY, MARK)
    await microsoft.move_by_hand(made.remote_id)
    changed = await microsoft.calendar.update(token, made.remote_id, ENTRY, mark(revision=4))
    assert changed.remote_id == made.remote_id
    assert await microsoft.calendar.delete(token, made.remote_id) is True


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (412, "ErrorIrresolvableConflict", Retryable),
        (429, "ApplicationThrottled", Throttled),
        (403, "ErrorAccessDenied", Permanent),
        (403, "AuthOMMissingRequiredPermissions", ReconnectNeeded),
        (507, "ErrorQuotaExceeded", Permanent),
        (503, "ConcurrentItemSave", ServiceFailing),
        (404, "MailboxNotEnabledForRESTAPI", Permanent),
        (404, "ErrorItemNotFound", EventGone),
    ],
)
async def test_a_refusal_is_split_by_its_code(microsoft: SandboxBackend, status: int, code: str, expected: type[CalendarError]) -> None:
    token = await microsoft.access_token()
    made = await microsoft.calendar.create(token, ENTRY, MARK)
    await microsoft.answer_next(status, operation="update", reason=code)
    error = await failure(microsoft.calendar.update(token, made.remote_id, ENTRY, MARK), token)
    assert (type(error), error.status, error.code) == (expected, status, code)
    assert error.request_id is not None


async def test_a_delete_refused_for_the_mailbox_is_not_done(microsoft: SandboxBackend) -> None:
    token = await microsoft.access_token()
    made = await microsoft.calendar.create(token, ENTRY, MARK)
    await microsoft.answer_next(404, operation="delete", reason="MailboxNotEnabledForRESTAPI")
    assert isinstance(await failure(microsoft.calendar.delete(token, made.remote_id), token), Permanent)
    assert len(await microsoft.seen()) == 1


async def test_each_operation_is_one_request(microsoft: SandboxBackend) -> None:
    token = await microsoft.access_token()
    made = await microsoft.calendar.create(token, ENTRY, MARK)
    await microsoft.calendar.update(token, made.remote_id, ENTRY, mark(revision=4))
    await microsoft.calendar.find(token, MARK)
    await microsoft.calendar.delete(token, made.remote_id)
    counts = {operation: len(await microsoft.requests(operation)) for operation in ("create", "update", "get", "list", "delete")}
    assert counts == {"create": 1, "update": 1, "get": 0, "list": 1, "delete": 1}


async def test_each_refresh_rotates_the_refresh_token(microsoft: SandboxBackend) -> None:
    seen = {microsoft.refresh_token}
    for _ in range(3):
        granted = await microsoft.tokens.refresh(microsoft.refresh_token, NOW)
        assert granted.refresh_token is not None
        assert granted.refresh_token not in seen
        seen.add(granted.refresh_token)
        microsoft.refresh_token = granted.refresh_token
    await microsoft.calendar.create(await microsoft.access_token(), ENTRY, MARK)


async def test_a_revoked_grant_is_told_with_microsofts_number(microsoft: SandboxBackend) -> None:
    await microsoft.revoke_by_hand()
    error = await failure(microsoft.tokens.refresh(microsoft.refresh_token, NOW), microsoft.refresh_token)
    assert (type(error), error.code) == (ReconnectNeeded, "invalid_grant")
    assert error.detail.startswith("AADSTS")


async def test_a_grant_without_the_calendar_scope_needs_the_provider(microsoft: SandboxBackend) -> None:
    await microsoft.connect(scopes=["openid", "offline_access"])
    error = await failure(microsoft.tokens.refresh(microsoft.refresh_token, NOW), microsoft.refresh_token)
    assert isinstance(error, ReconnectNeeded)
