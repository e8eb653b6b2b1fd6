"""OData options of the events, and the time zone names that Graph takes."""

from typing import Any

import pytest
from yarl import URL

from infra.sandbox.microsoft.model import event_properties
from tests.integration.sandbox.client import GRAPH_EVENTS, MARK_ID, Client, graph_event

FILTER = f"singleValueExtendedProperties/Any(ep: ep/id eq '{MARK_ID}' and ep/value eq '%s')"


async def fill(graph: Client, *values: str) -> None:
    for value in values:
        event = graph_event(subject=f"class {value}", singleValueExtendedProperties=[{"id": MARK_ID, "value": value}])
        assert (await graph.ask("POST", GRAPH_EVENTS, event)).status == 201


async def found(graph: Client, **options: str) -> list[dict[str, Any]]:
    reply = await graph.ask("GET", GRAPH_EVENTS, params={f"${name}": value for name, value in options.items()})
    assert reply.status == 200, reply.body
    return list(reply.body["value"])


async def test_an_event_is_found_by_its_extended_property(graph: Client) -> None:
    await fill(graph, "a", "it's")
    assert [event["subject"] for event in await found(graph, filter=FILTER % "a")] == ["class a"]
    assert [event["subject"] for event in await found(graph, filter=FILTER % "it''s")] == ["class it's"]
    assert await found(graph, filter=FILTER % "b") == []
    assert await found(graph, filter=(FILTER % "a").replace("ImpactFeedbackKey", "Other")) == []


async def test_the_spelling_of_the_guid_and_of_any_does_not_matter(graph: Client) -> None:
    await fill(graph, "a")
    spelt = (FILTER % "a").replace("66f5a359-4659", "66F5A359-4659").replace("/Any(", "/any(")
    assert len(await found(graph, filter=spelt)) == 1


async def test_terms_are_joined_by_and(graph: Client) -> None:
    await fill(graph, "a", "b")
    both = f"{FILTER % 'a'} and start/dateTime ge '2026-11-02T08:00:00' and subject eq 'class a'"
    assert len(await found(graph, filter=both)) == 1
    assert await found(graph, filter=f"{FILTER % 'a'} and start/dateTime gt '2026-11-02T08:00:00Z'") == []


async def test_extended_properties_are_answered_only_when_expanded(graph: Client) -> None:
    await fill(graph, "a")
    (plain,) = await found(graph)
    assert "singleValueExtendedProperties" not in plain
    expand = f"singleValueExtendedProperties($filter=id eq 'String {{0-0}} Name x' or id eq '{MARK_ID}')"
    reply = await graph.ask("GET", GRAPH_EVENTS, params={"$expand": expand})
    assert (reply.status, reply.graph_code) == (400, "ErrorInvalidExtendedProperty")
    (expanded,) = await found(graph, expand=f"singleValueExtendedProperties($filter=id eq '{MARK_ID}')")
    assert expanded["singleValueExtendedProperties"] == [{"id": MARK_ID, "value": "a"}]
    one = await graph.ask(
        "GET", f"{GRAPH_EVENTS}/{plain['id']}", params={"$expand": f"singleValueExtendedProperties($filter=id eq '{MARK_ID}')"}
    )
    assert one.body["singleValueExtendedProperties"][0]["value"] == "a"


async def test_select_answers_what_was_selected(graph: Client) -> None:
    await fill(graph, "a")
    (event,) = await found(graph, select="subject,start")
    assert {name for name in event if "@" not in name} == {"id", "subject", "start"}


async def test_next_links_give_each_event_once(graph: Client) -> None:
    await fill(graph, *"abcde")
    subjects: list[str] = []
    path = str(URL(GRAPH_EVENTS).with_query({"$top": "2", "$orderby": "subject desc", "$select": "subject"}))
    for expected in (True, True, False):
        body = (await graph.ask("GET", path)).body
        subjects += [event["subject"] for event in body["value"]]
        assert ("@odata.nextLink" in body) is expected
        path = body.get("@odata.nextLink", "").removeprefix(graph.sandbox.base_url)
    assert subjects == ["class e", "class d", "class c", "class b", "class a"]


@pytest.mark.parametrize(
    "option",
    [
        {"$filter": "organizer/emailAddress/address eq 'x'"},
        {"$filter": "subject eq 'x' or subject eq 'y'"},
        {"$filter": "subject eq 'x' and"},
        {"$select": "summary"},
        {"$expand": "attachments"},
        {"$expand": "singleValueExtendedProperties"},
        {"$top": "0"},
        {"$top": "1001"},
        {"$orderby": "body"},
        {"$search": "x"},
    ],
)
async def test_an_option_that_cannot_be_read_is_refused_and_never_ignored(graph: Client, option: dict[str, str]) -> None:
    assert (await graph.ask("GET", GRAPH_EVENTS, params=option)).status == 400


def moment(zone: Any) -> dict[str, Any]:
    return {"dateTime": "2026-11-02T09:00:00", "timeZone": zone}


@pytest.mark.parametrize(
    ("zone", "utc"),
    [
        ("UTC", "2026-11-02T09:00:00Z"),
        ("India Standard Time", "2026-11-02T03:30:00Z"),
        ("Morocco Standard Time", "2026-11-02T08:00:00Z"),
        ("Pacific Standard Time", "2026-11-02T17:00:00Z"),
        ("Europe/Paris", "2026-11-02T08:00:00Z"),
        ("Asia/Kolkata", "2026-11-02T03:30:00Z"),
    ],
)
async def test_windows_names_and_the_listed_iana_names_are_taken(graph: Client, zone: str, utc: str) -> None:
    assert (await graph.ask("POST", GRAPH_EVENTS, graph_event(start=moment(zone), end=moment(zone)))).status == 201
    assert (await graph.standing("microsoft"))[0]["start_utc"] == utc


@pytest.mark.parametrize("zone", ["Europe/Zurich", "Asia/Calcutta", "Etc/UTC", "CET", "Greenwich Mean Time", "", None])
async def test_other_zone_names_are_refused_by_name(graph: Client, zone: str | None) -> None:
    reply = await graph.ask("POST", GRAPH_EVENTS, graph_event(start=moment(zone)))
    assert (reply.status, reply.graph_code) == (400, "TimeZoneNotSupportedException")
    assert reply.body["error"]["message"].endswith(f"not supported: '{zone or ''}'.")


async def test_casablanca_is_refused_although_it_is_listed(graph: Client) -> None:
    reply = await graph.ask("POST", GRAPH_EVENTS, graph_event(start=moment("Africa/Casablanca"), end=moment("Africa/Casablanca")))
    assert (reply.status, reply.graph_code) == (400, "ErrorPropertyValidationFailure")


@pytest.mark.parametrize("text", ["2026-11-02T09:00:00Z", "2026-11-02T09:00:00+01:00", "2026-11-02", "2026-13-02T09:00:00", "x"])
async def test_a_time_with_an_offset_or_none_at_all_is_refused(graph: Client, text: str) -> None:
    reply = await graph.ask("POST", GRAPH_EVENTS, graph_event(start={"dateTime": text, "timeZone": "UTC"}))
    assert (reply.status, reply.graph_code) == (400, "ErrorPropertyValidationFailure")


def test_the_properties_are_those_of_the_sdks_model() -> None:
    from kiota_serialization_json.json_serialization_writer import JsonSerializationWriter
    from msgraph.generated.models.event import Event

    written: set[str] = set()

    class Recorder(JsonSerializationWriter):
        def __getattribute__(self, name: str) -> Any:
            if name.startswith("write_") and name != "write_additional_data_value":
                return lambda key=None, *_: written.add(key)
            return super().__getattribute__(name)

    Event().serialize(Recorder())
    assert event_properties() == {name for name in written if not name.startswith("@")}
