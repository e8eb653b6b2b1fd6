"""Calendar v3 events: ids, deletion, patch, update, limits."""

from typing import Any

import pytest

from infra.sandbox.config import SandboxConfig
from tests.integration.sandbox.client import GOOGLE_EVENTS, Client, google_event
from tests.integration.sandbox.conftest import Launch

ONE = f"{GOOGLE_EVENTS}/abcde"


async def insert(google: Client, **more: Any) -> dict[str, Any]:
    reply = await google.ask("POST", GOOGLE_EVENTS, google_event(**more))
    assert reply.status == 200, reply.body
    return dict(reply.body)


async def test_an_inserted_event_stands_and_is_read_back(google: Client) -> None:
    made = await insert(google, id="abcde")
    assert (await google.ask("GET", ONE)).body == made
    assert made["status"] == "confirmed"
    (standing,) = await google.standing("google")
    assert (standing["title"], standing["location"], standing["time_zone"]) == ("Yoga", "Studio 1", "Europe/Zurich")
    assert standing["start_utc"] == "2026-11-02T08:00:00Z"
    assert standing["start_local"] == "2026-11-02T09:00:00"


async def test_an_id_is_chosen_by_google_when_the_client_gives_none(google: Client) -> None:
    assert (await insert(google))["id"] != (await insert(google))["id"]


@pytest.mark.parametrize("id", ["abcd", "ABCDE", "abc-de", "wxyz0", "a" * 1025, ""])
async def test_an_id_outside_base32hex_or_5_to_1024_characters_is_refused(google: Client, id: str) -> None:
    reply = await google.ask("POST", GOOGLE_EVENTS, google_event(id=id))
    assert (reply.status, reply.google_reason) == (400, "invalid")


@pytest.mark.parametrize("id", ["abcde", "0" * 1024, "0123456789abcdefghijklmnopqrstuv"])
async def test_an_id_of_base32hex_is_taken(google: Client, id: str) -> None:
    assert (await insert(google, id=id))["id"] == id


async def test_an_id_cannot_be_used_twice_even_after_deletion(google: Client) -> None:
    await insert(google, id="abcde")
    assert (await google.ask("POST", GOOGLE_EVENTS, google_event(id="abcde"))).google_reason == "duplicate"
    assert (await google.ask("DELETE", ONE)).status == 204
    reply = await google.ask("POST", GOOGLE_EVENTS, google_event(id="abcde"))
    assert (reply.status, reply.google_reason) == (409, "duplicate")


async def test_a_deleted_event_is_got_as_cancelled_and_deleting_again_is_410(google: Client) -> None:
    await insert(google, id="abcde")
    await google.ask("DELETE", ONE)
    assert (await google.ask("GET", ONE)).body["status"] == "cancelled"
    again = await google.ask("DELETE", ONE)
    assert (again.status, again.google_reason) == (410, "deleted")
    assert await google.standing("google") == []


@pytest.mark.parametrize("method", ["GET", "PATCH", "PUT", "DELETE"])
async def test_an_event_that_never_was_is_404(google: Client, method: str) -> None:
    reply = await google.ask(method, ONE, google_event())
    assert (reply.status, reply.google_reason) == (404, "notFound")


async def test_another_calendar_than_the_primary_is_404(google: Client) -> None:
    assert (await google.ask("POST", "/calendar/v3/calendars/ana@impact.example/events", google_event())).status == 200
    reply = await google.ask("POST", "/calendar/v3/calendars/eve@impact.example/events", google_event())
    assert (reply.status, reply.google_reason) == (404, "notFound")


async def test_a_patch_changes_what_it_names_and_null_takes_away(google: Client) -> None:
    await insert(google, id="abcde", extendedProperties={"private": {"a": "1", "b": "2"}})
    patch = {"summary": "Pilates", "location": None, "extendedProperties": {"private": {"a": None, "c": "3"}}}
    body = (await google.ask("PATCH", ONE, patch)).body
    assert body["summary"] == "Pilates"
    assert "location" not in body
    assert body["extendedProperties"]["private"] == {"b": "2", "c": "3"}


async def test_a_refused_patch_changes_nothing(google: Client) -> None:
    made = await insert(google, id="abcde")
    assert (await google.ask("PATCH", ONE, {"summary": "X", "colorId": "99"})).status == 400
    assert (await google.ask("GET", ONE)).body == made


async def test_a_deleted_event_takes_a_patch_and_stays_deleted_unless_its_status_is_set(google: Client) -> None:
    await insert(google, id="abcde")
    await google.ask("DELETE", ONE)
    patched = await google.ask("PATCH", ONE, {"summary": "Pilates"})
    assert (patched.status, patched.body["status"]) == (200, "cancelled")
    assert await google.standing("google") == []
    assert (await google.ask("PATCH", ONE, {"status": "confirmed"})).status == 200
    assert [event["title"] for event in await google.standing("google")] == ["Pilates"]


async def test_an_update_of_a_deleted_event_is_forbidden_unless_its_status_is_set(google: Client) -> None:
    await insert(google, id="abcde")
    await google.ask("DELETE", ONE)
    refused = await google.ask("PUT", ONE, google_event())
    assert (refused.status, refused.google_reason) == (403, "forbidden")
    assert (await google.ask("PUT", ONE, google_event(status="confirmed"))).body["status"] == "confirmed"


async def test_an_update_replaces_the_whole_event(google: Client) -> None:
    await insert(google, id="abcde", description="old")
    body = (await google.ask("PUT", ONE, google_event(summary="New"))).body
    assert (body["summary"], body["id"], "description" in body) == ("New", "abcde", False)


async def test_an_outdated_etag_is_412_and_the_current_one_is_taken(google: Client) -> None:
    made = await insert(google, id="abcde")
    newer = (await google.ask("PATCH", ONE, {"summary": "X"})).body
    assert newer["etag"] != made["etag"]
    for method, body in (("PATCH", {"summary": "Y"}), ("PUT", google_event()), ("DELETE", None)):
        refused = await google.ask(method, ONE, body, headers={"If-Match": made["etag"]})
        assert (refused.status, refused.google_reason) == (412, "conditionNotMet")
    assert (await google.ask("GET", ONE, headers={"If-None-Match": newer["etag"]})).status == 304
    assert (await google.ask("DELETE", ONE, headers={"If-Match": newer["etag"]})).status == 204


@pytest.mark.parametrize(
    "wrong",
    [
        {"summary": 5},
        {"reminders": {"useDefault": "no"}},
        {"extendedProperties": {"private": {"a": 1}}},
        {"sumary": "misspelt"},
        {"start": {"datetime": "2026-11-02T09:00:00Z"}},
        {"sequence": 2**31},
    ],
)
async def test_a_body_that_breaks_the_discovery_document_is_refused(google: Client, wrong: dict[str, Any]) -> None:
    assert (await google.ask("POST", GOOGLE_EVENTS, google_event(**wrong))).status == 400


@pytest.mark.parametrize("data", [b"{", b"[]", b"\xff"])
async def test_a_body_that_is_no_json_object_is_a_parse_error(google: Client, data: bytes) -> None:
    reply = await google.ask("POST", GOOGLE_EVENTS, data=data)
    assert (reply.status, reply.google_reason) == (400, "parseError")


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"status": "done"}, "invalid"),
        ({"visibility": "secret"}, "invalid"),
        ({"colorId": "12"}, "invalid"),
        ({"source": {"url": "ftp://x"}}, "invalid"),
        ({"attendees": [{"email": "nobody"}]}, "invalid"),
        ({"reminders": {"overrides": [{"method": "popup", "minutes": 1}] * 6}}, "invalid"),
        ({"reminders": {"overrides": [{"method": "sms", "minutes": 1}]}}, "invalid"),
        ({"reminders": {"overrides": [{"method": "popup", "minutes": 40321}]}}, "invalid"),
        ({"reminders": {"overrides": [{"minutes": 5}]}}, "required"),
        (
            {"reminders": {"useDefault": True, "overrides": [{"method": "popup", "minutes": 1}]}},
            "cannotUseDefaultRemindersAndSpecifyOverride",
        ),
        ({"extendedProperties": {"private": {f"k{n}": "v" for n in range(301)}}}, "invalid"),
        ({"extendedProperties": {"private": {f"k{n}": "v" * 1024 for n in range(32)}}}, "invalid"),
    ],
)
async def test_what_google_refuses_beyond_the_schema_is_refused(google: Client, wrong: dict[str, Any], reason: str) -> None:
    reply = await google.ask("POST", GOOGLE_EVENTS, google_event(**wrong))
    assert (reply.status, reply.google_reason) == (400, reason)


async def test_long_property_keys_are_dropped_and_long_values_are_cut_without_a_word(google: Client) -> None:
    made = await insert(google, extendedProperties={"private": {"k" * 45: "x", "k" * 44: "v" * 1025}})
    assert made["extendedProperties"]["private"] == {"k" * 44: "v" * 1024}


async def test_five_reminders_are_taken(google: Client) -> None:
    reminders = {"useDefault": False, "overrides": [{"method": "popup", "minutes": n} for n in range(5)]}
    assert (await insert(google, reminders=reminders))["reminders"] == reminders


async def test_attendees_are_told_only_when_updates_are_to_be_sent(google: Client) -> None:
    event = google_event(attendees=[{"email": "a@x.example"}, {"email": "b@x.example"}])

    async def sent() -> int:
        return int((await google.ask("GET", "/control/stats")).body["notifications"])

    await google.ask("POST", f"{GOOGLE_EVENTS}?sendUpdates=none", event)
    await google.ask("POST", GOOGLE_EVENTS, event)
    assert await sent() == 0
    await google.ask("POST", f"{GOOGLE_EVENTS}?sendUpdates=all", event)
    assert await sent() == 2


@pytest.mark.parametrize("query", ["sendUpdates=some", "sendNotifications=1", "sendupdates=none", "fields=id"])
async def test_a_query_parameter_that_the_method_does_not_have_is_refused(google: Client, query: str) -> None:
    assert (await google.ask("POST", f"{GOOGLE_EVENTS}?{query}", google_event())).status == 400


@pytest.mark.parametrize("authorization", [None, "Bearer nonsense", "Basic eDp5"])
async def test_a_missing_or_unknown_token_is_401(client: Client, authorization: str | None) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    reply = await client.ask("GET", GOOGLE_EVENTS, headers=headers)
    assert (reply.status, reply.google_reason) == (401, "authError")
    assert reply.body["error"]["code"] == 401


async def test_an_access_token_expires(launch: Launch) -> None:
    client = await launch(SandboxConfig())
    google = await client.person("google")
    await client.ask("POST", "/control/clock", {"advance_seconds": 3601})
    reply = await google.ask("GET", GOOGLE_EVENTS)
    assert (reply.status, reply.google_reason) == (401, "authError")


@pytest.mark.parametrize(
    ("scope", "writes", "reads"),
    [
        ("calendar.events.owned", 200, 200),
        ("calendar.events", 200, 200),
        ("calendar", 200, 200),
        ("calendar.readonly", 403, 200),
        ("calendar.app.created", 403, 403),
        ("calendar.freebusy", 403, 403),
        ("userinfo.email", 403, 403),
    ],
)
async def test_a_token_can_do_what_its_scope_allows(client: Client, scope: str, writes: int, reads: int) -> None:
    google = await client.person("google", scopes=["openid", f"https://www.googleapis.com/auth/{scope}"])
    written = await google.ask("POST", GOOGLE_EVENTS, google_event())
    assert written.status == writes
    assert (await google.ask("GET", GOOGLE_EVENTS)).status == reads
    if writes == 403:
        assert written.google_reason == "insufficientPermissions"


async def test_a_user_over_the_quota_is_refused_until_a_minute_has_passed(launch: Launch) -> None:
    client = await launch(SandboxConfig(google_user_quota_per_minute=2))
    google, other = await client.person("google"), await client.person("google", "bo@impact.example")
    assert [(await google.ask("GET", GOOGLE_EVENTS)).status for _ in range(3)] == [200, 200, 403]
    assert (await google.ask("GET", GOOGLE_EVENTS)).google_reason == "userRateLimitExceeded"
    assert (await other.ask("GET", GOOGLE_EVENTS)).status == 200
    await client.ask("POST", "/control/clock", {"advance_seconds": 61})
    assert (await google.ask("GET", GOOGLE_EVENTS)).status == 200
