"""The hand of the operator: people's edits, the journal, the counts, starting afresh."""

from typing import Any

import pytest

from infra.sandbox.config import SandboxConfig
from tests.integration.sandbox.client import GOOGLE_EVENTS, GRAPH_EVENTS, MARK_ID, Client, google_event, graph_event
from tests.integration.sandbox.conftest import Launch

SERVICES = pytest.mark.parametrize("service", ["google", "microsoft"])
COLLECTION = {"google": GOOGLE_EVENTS, "microsoft": GRAPH_EVENTS}


def marked(service: str, key: str, **more: Any) -> dict[str, Any]:
    if service == "google":
        return google_event(extendedProperties={"private": {"impactKey": key, **more}})
    extra = [{"id": MARK_ID.replace("ImpactFeedbackKey", name), "value": value} for name, value in more.items()]
    return graph_event(singleValueExtendedProperties=[{"id": MARK_ID, "value": key}, *extra])


async def create(person: Client, service: str, key: str = "k", **more: Any) -> str:
    reply = await person.ask("POST", COLLECTION[service], marked(service, key, **more))
    assert reply.status in (200, 201), reply.body
    return str(reply.body["id"])


def path(service: str, event_id: str) -> str:
    return f"/control/calendars/{service}/ana@impact.example/{event_id}"


@SERVICES
async def test_a_person_edits_an_event_in_the_wall_time_of_its_zone(client: Client, service: str) -> None:
    person = await client.person(service)
    event_id = await create(person, service)
    change = {"title": "Mine", "start": "2026-11-02T08:00:00", "end": "2026-11-02T10:30:00Z", "location": "Home"}
    assert (await client.ask("PATCH", path(service, event_id), change)).status == 200
    (event,) = await client.standing(service)
    assert (event["title"], event["location"]) == ("Mine", "Home")
    assert (event["start_utc"], event["end_utc"]) == ("2026-11-02T07:00:00Z", "2026-11-02T10:30:00Z")
    assert event["updated_seq"] > event["created_seq"]
    seen = (await person.ask("GET", f"{COLLECTION[service]}/{event_id}")).body
    assert "Mine" in (seen.get("summary"), seen.get("subject"))


@SERVICES
async def test_an_edit_that_the_service_would_not_take_is_refused(client: Client, service: str) -> None:
    event_id = await create(await client.person(service), service)
    assert (await client.ask("PATCH", path(service, event_id), {"end": "2020-01-01T08:00:00"})).status == 400
    assert (await client.ask("PATCH", path(service, event_id), {"colour": "red"})).status == 400


@SERVICES
async def test_a_person_deletes_an_event(client: Client, service: str) -> None:
    person = await client.person(service)
    event_id = await create(person, service)
    assert (await client.ask("DELETE", path(service, event_id))).status == 204
    assert await client.standing(service) == []
    gone = await person.ask("DELETE", f"{COLLECTION[service]}/{event_id}")
    assert gone.status == (410 if service == "google" else 404)
    assert (await client.ask("DELETE", path(service, event_id))).status == 404


@SERVICES
async def test_a_moved_event_stands_on_the_persons_other_calendar(client: Client, service: str) -> None:
    person = await client.person(service)
    event_id = await create(person, service)
    assert (await client.ask("POST", path(service, event_id) + "/move")).status == 200
    (event,) = await client.standing(service)
    assert event["calendar"] == "other"
    if service == "google":
        assert (await person.ask("GET", f"{GOOGLE_EVENTS}/{event_id}")).body["status"] == "cancelled"


@SERVICES
async def test_a_second_standing_event_for_the_same_class_counts_as_a_duplicate(client: Client, service: str) -> None:
    person = await client.person(service)

    async def duplicates() -> int:
        return int((await client.ask("GET", "/control/stats")).body["duplicates"])

    first = await create(person, service, "a", revision="1")
    await create(person, service, "b", revision="1")
    await person.ask("DELETE", f"{COLLECTION[service]}/{first}")
    await create(person, service, "a", revision="2")
    assert await duplicates() == 0
    await create(person, service, "a", revision="3")
    assert await duplicates() == 1


@SERVICES
async def test_the_view_shows_the_mark_and_the_link(client: Client, service: str) -> None:
    person = await client.person(service)
    text = "More: https://impact.example/classes/7 and so on"
    body = marked(service, "k") | ({"description": text} if service == "google" else {"body": {"contentType": "text", "content": text}})
    await person.ask("POST", COLLECTION[service], body)
    (event,) = await client.standing(service)
    assert (event["url"], list(event["mark"].values())) == ("https://impact.example/classes/7", ["k"])
    assert event["description"] == text


async def test_the_journal_tells_who_asked_what(client: Client) -> None:
    ana, graph = await client.person("google"), await client.person("microsoft", "bo@impact.example")
    event_id = await create(ana, "google")
    await ana.ask("GET", f"{GOOGLE_EVENTS}/nothing00")
    await graph.ask("GET", GRAPH_EVENTS)

    async def entries(query: str) -> list[tuple[Any, ...]]:
        found = (await client.ask("GET", f"/control/requests{query}")).body["requests"]
        return [(one["operation"], one["email"], one["event_id"], one["status"], one["concurrency"]) for one in found]

    assert await entries("?service=google&email=ANA@impact.example") == [
        ("token", "ana@impact.example", None, 200, 1),
        ("create", "ana@impact.example", event_id, 200, 1),
        ("get", "ana@impact.example", "nothing00", 404, 1),
    ]
    assert [one[:2] for one in await entries("?operation=list")] == [("list", "bo@impact.example")]
    assert (await client.ask("DELETE", "/control/requests")).status == 204
    assert await entries("") == []


async def test_the_journal_keeps_the_newest_in_a_bounded_ring(launch: Launch) -> None:
    client = await launch(SandboxConfig(journal_size=3))
    ana = await client.person("google")
    for _ in range(5):
        await ana.ask("GET", GOOGLE_EVENTS)
    entries = (await client.ask("GET", "/control/requests")).body["requests"]
    assert [entry["seq"] for entry in entries] == [4, 5, 6]
    counts = (await client.ask("GET", "/control/stats")).body["requests"]
    assert {"service": "google", "operation": "list", "status": 200, "count": 5} in counts


async def test_no_token_is_in_the_journal(client: Client) -> None:
    ana = await client.person("google")
    await create(ana, "google")
    text = str((await client.ask("GET", "/control/requests")).body)
    assert ana.refresh_token not in text
    assert ana.headers["Authorization"].removeprefix("Bearer ") not in text


async def test_calendars_are_listed_with_their_counts(client: Client) -> None:
    await create(await client.person("google"), "google")
    await client.grant("microsoft", "bo@impact.example")
    listed = (await client.ask("GET", "/control/calendars")).body["calendars"]
    assert [(one["service"], one["email"], one["standing"]) for one in listed] == [
        ("google", "ana@impact.example", 1),
        ("microsoft", "bo@impact.example", 0),
    ]


async def test_a_reset_forgets_everything(client: Client) -> None:
    ana = await client.person("google")
    await create(ana, "google")
    await client.fault(service="google", kind="drop_before", operation="delete")
    assert (await client.ask("POST", "/control/reset")).status == 204
    assert (await client.ask("GET", "/control/calendars")).body == {"calendars": []}
    assert (await client.ask("GET", "/control/faults")).body == {"faults": []}
    assert (await client.ask("GET", "/control/requests")).body == {"requests": []}
    assert (await ana.ask("GET", GOOGLE_EVENTS)).status == 401


@pytest.mark.parametrize(
    ("order", "named"),
    [
        ({"service": "google", "email": "nobody"}, "email"),
        ({"service": "apple", "email": "a@b.example"}, "service"),
        ({"service": "google"}, "email"),
        ({"service": "google", "email": "a@b.example", "client_id": "x"}, "client_id"),
        ({"service": "google", "email": "a@b.example", "scope": "x"}, "scope"),
    ],
)
async def test_a_wrong_grant_is_refused_with_the_field_named(client: Client, order: dict[str, Any], named: str) -> None:
    reply = await client.ask("POST", "/control/grants", order)
    assert reply.status == 400
    assert named in reply.body["error"]


async def test_unknown_users_and_services_are_404(client: Client) -> None:
    for path in ("google/eve@impact.example", "apple/ana@impact.example"):
        assert (await client.ask("GET", f"/control/calendars/{path}")).status == 404


async def test_it_is_healthy(client: Client) -> None:
    assert (await client.ask("GET", "/healthz")).body["status"] == "ok"
