"""Graph events: ids, transactionId, bodies, zones, limits."""

import asyncio
from typing import Any

import pytest

from infra.sandbox.config import SandboxConfig
from tests.integration.sandbox.client import GRAPH_EVENTS, IMMUTABLE, MARK_ID, Client, Reply, graph_event
from tests.integration.sandbox.conftest import Launch


async def post(graph: Client, headers: dict[str, str] | None = None, **more: Any) -> Reply:
    return await graph.ask("POST", GRAPH_EVENTS, graph_event(**more), headers=headers)


async def test_a_created_event_stands_and_is_answered_in_utc(graph: Client) -> None:
    made = await post(graph)
    assert made.status == 201
    assert made.body["start"] == {"dateTime": "2026-11-02T08:00:00.0000000", "timeZone": "UTC"}
    assert made.body["originalStartTimeZone"] == "W. Europe Standard Time"
    assert made.body["body"]["contentType"] == "html"
    (standing,) = await graph.standing("microsoft")
    assert (standing["title"], standing["start_utc"], standing["location"]) == ("Yoga", "2026-11-02T08:00:00Z", "Studio 1")
    assert (standing["description"], standing["start_local"]) == ("Booked class", "2026-11-02T09:00:00")


async def test_preferences_choose_the_zone_and_the_text_body(graph: Client) -> None:
    prefer = {"Prefer": 'outlook.timezone="Romance Standard Time", outlook.body-content-type="text"'}
    made = await post(graph, prefer)
    assert made.body["start"] == {"dateTime": "2026-11-02T09:00:00.0000000", "timeZone": "Romance Standard Time"}
    assert made.body["body"] == {"contentType": "text", "content": "Booked class"}


async def test_an_immutable_id_comes_only_when_it_is_preferred_and_outlives_a_move(graph: Client) -> None:
    made = await post(graph, IMMUTABLE)
    immutable = made.body["id"]
    mutable = (await graph.ask("GET", f"{GRAPH_EVENTS}/{immutable}")).body["id"]
    assert (made.headers["Preference-Applied"], immutable == mutable) == ('IdType="ImmutableId"', False)
    assert (await graph.ask("POST", f"/control/calendars/microsoft/ana@impact.example/{immutable}/move")).status == 200
    gone = await graph.ask("GET", f"{GRAPH_EVENTS}/{mutable}")
    assert (gone.status, gone.graph_code) == (404, "ErrorItemNotFound")
    moved = await graph.ask("GET", f"{GRAPH_EVENTS}/{immutable}", headers=IMMUTABLE)
    assert (moved.status, moved.body["id"]) == (200, immutable)
    assert (await graph.ask("GET", GRAPH_EVENTS)).body["value"] == []


async def test_the_same_transaction_with_the_same_body_gives_the_same_event(graph: Client) -> None:
    first, second = await post(graph, transactionId="t-1"), await post(graph, transactionId="t-1")
    assert (first.status, second.status, first.body["id"]) == (201, 201, second.body["id"])
    assert len(await graph.standing("microsoft")) == 1


async def test_the_same_transaction_with_another_body_is_refused(graph: Client) -> None:
    await post(graph, transactionId="t-1")
    reply = await post(graph, transactionId="t-1", subject="Pilates")
    assert (reply.status, reply.graph_code) == (409, "ErrorDuplicateTransactionId")


async def test_a_transaction_of_a_deleted_event_is_not_used_again(graph: Client) -> None:
    made = await post(graph, transactionId="t-1")
    await graph.ask("DELETE", f"{GRAPH_EVENTS}/{made.body['id']}")
    assert (await post(graph, transactionId="t-1")).graph_code == "ErrorDuplicateTransactionId"


async def test_a_transaction_belongs_to_its_mailbox(client: Client, graph: Client) -> None:
    other = await client.person("microsoft", "bo@impact.example")
    assert (await post(graph, transactionId="t-1")).status == 201
    assert (await post(other, transactionId="t-1", subject="Pilates")).status == 201


async def test_parallel_creates_can_race_past_the_transaction(launch: Launch) -> None:
    client = await launch(SandboxConfig(microsoft_transaction_race=True))
    graph = await client.person("microsoft")
    await client.fault(service="microsoft", operation="create", kind="latency", latency_ms=1_500, times=2)
    await asyncio.gather(post(graph, transactionId="t-1"), post(graph, transactionId="t-1"))
    assert len(await graph.standing("microsoft")) == 2
    await post(graph, transactionId="t-1")
    assert len(await graph.standing("microsoft")) == 2


async def test_a_patch_changes_what_it_names(graph: Client) -> None:
    event_id = (await post(graph, transactionId="t-1", singleValueExtendedProperties=[{"id": MARK_ID, "value": "a"}])).body["id"]
    change = {"subject": "Pilates", "start": {"dateTime": "2026-11-02T08:30:00.0000000", "timeZone": "UTC"}}
    reply = await graph.ask("PATCH", f"{GRAPH_EVENTS}/{event_id}", change)
    assert (reply.status, reply.body["subject"]) == (200, "Pilates")
    (standing,) = await graph.standing("microsoft")
    assert (standing["start_utc"], standing["end_utc"]) == ("2026-11-02T08:30:00Z", "2026-11-02T09:00:00Z")
    assert (standing["location"], standing["mark"]) == ("Studio 1", {"ImpactFeedbackKey": "a"})


async def test_the_transaction_of_an_event_never_changes(graph: Client) -> None:
    event_id = (await post(graph, transactionId="t-1")).body["id"]
    assert (await graph.ask("PATCH", f"{GRAPH_EVENTS}/{event_id}", {"transactionId": "t-1"})).status == 200
    reply = await graph.ask("PATCH", f"{GRAPH_EVENTS}/{event_id}", {"transactionId": "t-2"})
    assert (reply.status, reply.graph_code) == (400, "ErrorInvalidPropertySet")


async def test_a_deleted_event_is_not_found_again(graph: Client) -> None:
    path = f"{GRAPH_EVENTS}/{(await post(graph)).body['id']}"
    assert (await graph.ask("DELETE", path)).status == 204
    for method, body in (("GET", None), ("PATCH", {"subject": "x"}), ("DELETE", None)):
        reply = await graph.ask(method, path, body)
        assert (reply.status, reply.graph_code) == (404, "ErrorItemNotFound")
        assert {"date", "request-id"} <= reply.body["error"]["innerError"].keys()


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"foo": 1}, "RequestBodyRead"),
        ({"location": {"name": "x"}}, "RequestBodyRead"),
        ({"subject": 5}, "RequestBodyRead"),
        ({"showAs": "sleeping"}, "RequestBodyRead"),
        ({"attendees": [{"name": "x"}]}, "RequestBodyRead"),
        ({"isAllDay": "true"}, "RequestBodyRead"),
        ({"@odata.type": None}, "RequestBodyRead"),
        ({"end": {"dateTime": "2026-11-02T08:00:00", "timeZone": "UTC"}, "start": {"dateTime": "2026-11-02T08:00:01", "timeZone": "UTC"}},
         "ErrorPropertyValidationFailure"),
        ({"isAllDay": True}, "ErrorPropertyValidationFailure"),
        ({"singleValueExtendedProperties": [{"id": "Name x", "value": "y"}]}, "ErrorInvalidExtendedProperty"),
        ({"singleValueExtendedProperties": [{"id": MARK_ID}]}, "ErrorInvalidExtendedProperty"),
    ],
)  # fmt: skip
async def test_bodies_that_graph_refuses(graph: Client, wrong: dict[str, Any], code: str) -> None:
    reply = await post(graph, **wrong)
    assert (reply.status, reply.graph_code) == (400, code)
    assert await graph.standing("microsoft") == []


async def test_an_unknown_property_is_named(graph: Client) -> None:
    message = (await post(graph, foo=1)).body["error"]["message"]
    assert message.startswith("The property 'foo' does not exist on type 'microsoft.graph.event'.")


@pytest.mark.parametrize(("event_id", "status", "code"), [("AAMkAD0x", 404, "ErrorItemNotFound"), ("x", 400, "ErrorInvalidIdMalformed")])
async def test_an_id_that_is_none_of_graphs_is_malformed_and_not_missing(graph: Client, event_id: str, status: int, code: str) -> None:
    reply = await graph.ask("DELETE", f"{GRAPH_EVENTS}/{event_id}")
    assert (reply.status, reply.graph_code) == (status, code)


@pytest.mark.parametrize("data", [b"{", b"[]", b""])
async def test_a_body_that_is_no_json_object_is_refused(graph: Client, data: bytes) -> None:
    assert (await graph.ask("POST", GRAPH_EVENTS, data=data)).status == 400


@pytest.mark.parametrize(
    ("start", "end", "status"),
    [
        (("2026-11-02T00:00:00", "UTC"), ("2026-11-03T00:00:00", "UTC"), 201),
        (("2026-11-02T00:00:00", "UTC"), ("2026-11-02T00:00:00", "UTC"), 400),
        (("2026-11-02T00:00:00", "UTC"), ("2026-11-03T00:00:00", "Tokyo Standard Time"), 400),
        (("2026-11-02T00:00:00", "UTC"), ("2026-11-03T12:00:00", "UTC"), 400),
    ],
)
async def test_an_all_day_event_goes_from_midnight_to_midnight_in_one_zone(
    graph: Client, start: tuple[str, str], end: tuple[str, str], status: int
) -> None:
    times = {which: dict(zip(("dateTime", "timeZone"), moment, strict=True)) for which, moment in (("start", start), ("end", end))}
    assert (await post(graph, isAllDay=True, **times)).status == status


async def test_an_event_without_times_begins_now(graph: Client) -> None:
    assert (await graph.ask("POST", GRAPH_EVENTS, {"subject": "x"})).status == 201
    assert len(await graph.standing("microsoft")) == 1


async def test_attendees_are_always_told(graph: Client) -> None:
    attendees = [{"emailAddress": {"address": "a@x.example"}, "type": "required"}]
    event_id = (await post(graph, attendees=attendees)).body["id"]
    await graph.ask("PATCH", f"{GRAPH_EVENTS}/{event_id}", {"subject": "Pilates"})
    await graph.ask("GET", f"{GRAPH_EVENTS}/{event_id}")
    await graph.ask("DELETE", f"{GRAPH_EVENTS}/{event_id}")
    assert (await graph.ask("GET", "/control/stats")).body["notifications"] == 3


async def test_missing_and_unknown_tokens_are_401(client: Client) -> None:
    for headers in ({}, {"Authorization": "Bearer x"}):
        reply = await client.ask("GET", GRAPH_EVENTS, headers=headers)
        assert (reply.status, reply.graph_code) == (401, "InvalidAuthenticationToken")


@pytest.mark.parametrize(
    ("scope", "writes", "reads"), [("Calendars.ReadWrite", 201, 200), ("Calendars.Read", 403, 200), ("User.Read", 403, 403)]
)
async def test_a_token_can_do_what_its_scope_allows(client: Client, scope: str, writes: int, reads: int) -> None:
    graph = await client.person("microsoft", scopes=["offline_access", scope])
    written = await post(graph)
    assert written.status == writes
    assert (await graph.ask("GET", GRAPH_EVENTS)).status == reads
    if writes == 403:
        assert written.graph_code == "ErrorAccessDenied"


async def test_me_is_the_person_of_the_token(graph: Client) -> None:
    assert (await graph.ask("GET", "/v1.0/me")).body["mail"] == "ana@impact.example"


async def test_a_fifth_call_at_once_for_one_mailbox_is_throttled(client: Client, graph: Client) -> None:
    other = await client.person("microsoft", "bo@impact.example")
    await client.fault(service="microsoft", operation="list", kind="latency", latency_ms=1_500)
    calls = [graph.ask("GET", GRAPH_EVENTS) for _ in range(6)] + [other.ask("GET", GRAPH_EVENTS)]
    replies = await asyncio.gather(*calls)
    throttled = [reply for reply in replies if reply.status == 429]
    assert (len(throttled), replies[-1].status) == (2, 200)
    assert throttled[0].graph_code == "ApplicationThrottled"
    assert "MailboxConcurrency" in throttled[0].body["error"]["message"]
    assert throttled[0].headers["Retry-After"] == "1"
    peaks = (await client.ask("GET", "/control/stats")).body["max_concurrency_by_mailbox"]
    assert (peaks["microsoft/ana@impact.example"], peaks["microsoft/bo@impact.example"]) == (6, 1)


async def test_the_concurrency_limit_can_be_off(launch: Launch) -> None:
    client = await launch(SandboxConfig(microsoft_mailbox_concurrency=None))
    graph = await client.person("microsoft")
    await client.fault(service="microsoft", operation="list", kind="latency", latency_ms=300)
    replies = await asyncio.gather(*(graph.ask("GET", GRAPH_EVENTS) for _ in range(8)))
    assert {reply.status for reply in replies} == {200}
