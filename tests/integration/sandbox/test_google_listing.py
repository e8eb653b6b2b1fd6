"""events.list: filters, deleted events, order and pages."""

import pytest

from tests.integration.sandbox.client import GOOGLE_EVENTS, Client, google_event


async def titles(google: Client, **query: str | list[str]) -> list[str]:
    pairs = [(name, one) for name, value in query.items() for one in ([value] if isinstance(value, str) else value)]
    reply = await google.ask("GET", GOOGLE_EVENTS, params=pairs)
    assert reply.status == 200, reply.body
    return [event["summary"] for event in reply.body["items"]]


async def fill(google: Client) -> None:
    for day in (3, 2, 4):
        moment = {"timeZone": "UTC"}
        event = google_event(
            id=f"event{day}",
            summary=f"day {day}",
            start={"dateTime": f"2026-11-0{day}T09:00:00", **moment},
            end={"dateTime": f"2026-11-0{day}T10:00:00", **moment},
            extendedProperties={"private": {"key": f"k{day}", "all": "yes"}},
        )
        assert (await google.ask("POST", GOOGLE_EVENTS, event)).status == 200


async def test_events_are_found_by_private_properties_all_of_them(google: Client) -> None:
    await fill(google)
    assert await titles(google, privateExtendedProperty="key=k3") == ["day 3"]
    assert await titles(google, privateExtendedProperty=["key=k3", "all=yes"]) == ["day 3"]
    assert await titles(google, privateExtendedProperty=["key=k3", "all=no"]) == []
    assert await titles(google, sharedExtendedProperty="key=k3") == []


async def test_deleted_events_are_listed_only_when_asked_for(google: Client) -> None:
    await fill(google)
    await google.ask("DELETE", f"{GOOGLE_EVENTS}/event3")
    assert await titles(google, privateExtendedProperty="key=k3") == []
    assert await titles(google, privateExtendedProperty="key=k3", showDeleted="true") == ["day 3"]


async def test_a_window_holds_what_overlaps_it(google: Client) -> None:
    await fill(google)
    window = {"timeMin": "2026-11-02T10:00:00Z", "timeMax": "2026-11-04T09:00:00Z"}
    assert await titles(google, **window) == ["day 3"]
    wider = {"timeMin": "2026-11-02T09:59:00Z", "timeMax": "2026-11-04T10:01:00+01:00"}
    assert sorted(await titles(google, **wider)) == ["day 2", "day 3", "day 4"]


async def test_pages_give_each_event_once(google: Client) -> None:
    await fill(google)
    found, token = [], None
    for _ in range(3):
        query = {"maxResults": "1"} | ({"pageToken": token} if token else {})
        body = (await google.ask("GET", GOOGLE_EVENTS, params=query)).body
        found += [event["id"] for event in body["items"]]
        token = body.get("nextPageToken")
    assert (sorted(found), token) == (["event2", "event3", "event4"], None)


async def test_the_order_by_start_needs_single_events(google: Client) -> None:
    await fill(google)
    assert await titles(google, orderBy="startTime", singleEvents="true") == ["day 2", "day 3", "day 4"]
    assert (await google.ask("GET", GOOGLE_EVENTS, params={"orderBy": "startTime"})).status == 400


@pytest.mark.parametrize(
    "query",
    [
        {"timeMin": "2026-11-02T10:00:00"},
        {"timeMax": "soon"},
        {"maxResults": "0"},
        {"pageToken": "x"},
        {"privateExtendedProperty": "key"},
        {"orderBy": "summary"},
    ],
)
async def test_wrong_parameters_are_refused(google: Client, query: dict[str, str]) -> None:
    assert (await google.ask("GET", GOOGLE_EVENTS, params=query)).status == 400


async def test_a_sync_token_has_always_expired(google: Client) -> None:
    reply = await google.ask("GET", GOOGLE_EVENTS, params={"syncToken": "x"})
    assert (reply.status, reply.google_reason) == (410, "fullSyncRequired")
