"""What Graph is told of an entry, as the SDK serializes it."""

import dataclasses
import json
from datetime import datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgraph.generated.models.event import Event

from adapters.microsoft.mapping import CLASS, CONTENT, GENERATION, KEY, REVISION, create_event, key, transaction_id, update_event
from adapters.microsoft.requests import GraphRequests
from adapters.ports import EventMark
from adapters.wording import MAINTAINED_BY
from schemas.events import Kind, Presence
from schemas.intents import CalendarEntry

REQUESTS = GraphRequests("https://graph.microsoft.com/v1.0")
ENTRY = CalendarEntry(
    title="Yoga für alle",
    kind=Kind.CLASS,
    class_type="Yoga",
    starts_at=datetime(2026, 3, 2, 9, 30),
    ends_at=datetime(2026, 3, 2, 10, 30),
    time_zone="Europe/Berlin",
    location="Room 4",
    presence=Presence.HYBRID,
    url="https://impact.example/classes/7",
)
MARK = EventMark(provider_id="p-1", class_id="c-7", revision=3, generation=1, grant_id="g-1")
ENTRIES = st.builds(
    CalendarEntry,
    title=st.text(),
    kind=st.sampled_from(Kind),
    class_type=st.text(),
    starts_at=st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2030, 1, 1)),
    ends_at=st.just(datetime(2030, 1, 2)),
    time_zone=st.sampled_from(["Europe/Berlin", "Africa/Casablanca", "Asia/Kolkata", "UTC"]),
    location=st.text(),
    presence=st.sampled_from(Presence),
    url=st.none() | st.just("https://impact.example/c"),
)


def created(entry: CalendarEntry = ENTRY, mark: EventMark = MARK) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(REQUESTS.create(create_event(entry, mark)).body or b"")
    return body


def updated(entry: CalendarEntry = ENTRY, mark: EventMark = MARK) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(REQUESTS.update("id", update_event(entry, mark)).body or b"")
    return body


def properties(body: dict[str, Any]) -> dict[str, str]:
    return {each["id"]: each["value"] for each in body["singleValueExtendedProperties"]}


def test_a_create_tells_the_whole_entry_and_nothing_else() -> None:
    body = created()
    marks = body.pop("singleValueExtendedProperties")
    assert body == {
        "@odata.type": "#microsoft.graph.event",
        "subject": "Yoga für alle",
        "body": {
            "contentType": "text",
            "content": f"Yoga · Class · In person and online\nhttps://impact.example/classes/7\n{MAINTAINED_BY}",
        },
        "location": {"displayName": "Room 4"},
        "start": {"dateTime": "2026-03-02T09:30:00", "timeZone": "W. Europe Standard Time"},
        "end": {"dateTime": "2026-03-02T10:30:00", "timeZone": "W. Europe Standard Time"},
        "showAs": "busy",
        "transactionId": transaction_id(MARK),
    }
    assert [each["id"] for each in marks] == [KEY, CLASS, REVISION, GENERATION, CONTENT]
    assert properties({"singleValueExtendedProperties": marks}) | {KEY: "", CONTENT: ""} == {
        KEY: "",
        CLASS: "c-7",
        REVISION: "3",
        GENERATION: "1",
        CONTENT: "",
    }


def test_an_update_leaves_to_the_provider_what_is_theirs() -> None:
    assert updated().keys() == {
        "@odata.type", "subject", "body", "location", "start", "end", "isAllDay", "singleValueExtendedProperties",
    }  # fmt: skip
    assert updated()["isAllDay"] is False


def test_a_place_or_a_link_that_went_is_overwritten() -> None:
    bare = msgspec.structs.replace(ENTRY, location="", url=None)
    assert updated(bare)["location"] == {"displayName": ""}
    assert "https://" not in updated(bare)["body"]["content"]


@given(entry=ENTRIES)
def test_the_same_entry_and_mark_give_the_same_bytes(entry: CalendarEntry) -> None:
    again = msgspec.json.decode(msgspec.json.encode(entry), type=CalendarEntry)
    assert REQUESTS.create(create_event(entry, MARK)).body == REQUESTS.create(create_event(again, dataclasses.replace(MARK))).body


def test_the_bytes_of_a_create_do_not_change_with_the_program() -> None:
    """Graph takes a repeat only with the identical body: a retry may be made by a newer process than the first try."""
    assert transaction_id(MARK) == "7f5b6b9c-7685-5e9e-a026-33a1ad868130"
    assert key(MARK) == "87a7507c5394a579aaccf3a16c1b8c46b728b2ce301964be403feb8ef1d47b8e"
    assert KEY == "String {e34341d9-a531-4695-8863-ab01e8198dff} Name ImpactFeedbackKey"


@given(entry=ENTRIES)
def test_no_text_is_longer_than_outlook_takes(entry: CalendarEntry) -> None:
    long = msgspec.structs.replace(entry, title=entry.title * 300, location=entry.location * 300, class_type=entry.class_type * 3000)
    body = created(long)
    assert 0 < units(body["subject"]) <= 255
    assert units(body["location"]["displayName"]) <= 255
    assert body["body"]["content"].endswith(MAINTAINED_BY)


def units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


@pytest.mark.parametrize("field", ["grant_id", "class_id", "generation", "revision"])
def test_each_part_of_the_transaction_id_makes_another(field: str) -> None:
    other = dataclasses.replace(MARK, **{field: 9 if field in ("generation", "revision") else "other"})
    assert transaction_id(other) != transaction_id(MARK)


def test_the_key_is_of_provider_and_class_only_and_keeps_them_apart() -> None:
    assert key(dataclasses.replace(MARK, revision=9, generation=9, grant_id="other")) == key(MARK)
    assert key(dataclasses.replace(MARK, provider_id="p-1c", class_id="-7")) != key(MARK)
    assert key(dataclasses.replace(MARK, class_id="c-8")) != key(MARK)


def test_the_content_tells_entries_apart_and_not_marks() -> None:
    other = msgspec.structs.replace(ENTRY, location="Room 5")
    assert properties(created(other))[CONTENT] != properties(created())[CONTENT]
    assert properties(created(mark=dataclasses.replace(MARK, revision=4)))[CONTENT] == properties(created())[CONTENT]


def test_our_backing_store_serializes_as_the_sdks_own() -> None:
    ours = create_event(ENTRY, MARK)
    given = ("body", "end", "location", "show_as", "single_value_extended_properties", "start", "subject", "transaction_id")
    theirs = Event(**{name: rebuilt(getattr(ours, name)) for name in given})
    assert REQUESTS.create(ours).body == REQUESTS.create(theirs).body


def rebuilt(value: Any) -> Any:
    """The same model with the SDK's own backing store."""
    if isinstance(value, list):
        return [rebuilt(each) for each in value]
    if not dataclasses.is_dataclass(value):
        return value
    kept = {
        each.name: getattr(value, each.name) for each in dataclasses.fields(value) if each.name not in ("backing_store", "additional_data")
    }
    return type(value)(**{name: rebuilt(each) for name, each in kept.items() if each is not None})  # type: ignore[arg-type]
