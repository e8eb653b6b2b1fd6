"""The calendar adapter over scripted answers of Graph."""

import sys

import msgspec
import pytest
from msgraph.generated.models.event import Event
from msgraph.generated.models.single_value_legacy_extended_property import SingleValueLegacyExtendedProperty

from adapters.errors import AlreadyExists, CalendarError, EventGone, Permanent, ServiceFailing, Throttled
from adapters.http import HttpAnswer
from adapters.microsoft.client import MicrosoftCalendar
from adapters.microsoft.mapping import CONTENT, GENERATION, REVISION, content_digest
from adapters.ports import RemoteEvent
from schemas.connections import Service
from tests.unit.adapters.microsoft_http import ScriptedClient, answer, odata_error
from tests.unit.adapters.test_microsoft_mapping import ENTRY, MARK

BASE = "https://graph.microsoft.com/v1.0"
TOKEN = "an-access-token"
STANDS = RemoteEvent(remote_id="e-1", revision=3, generation=1)
DUPLICATE = odata_error(409, "ErrorDuplicateTransactionId")


def calendar(*answers: HttpAnswer | CalendarError) -> tuple[MicrosoftCalendar, ScriptedClient]:
    client = ScriptedClient(*answers)
    return MicrosoftCalendar(client, graph_url=BASE), client


def event(id: str = "e-1", *, revision: str = "3", generation: str = "1", content: str = content_digest(ENTRY)) -> dict[str, object]:
    marks = {REVISION: revision, GENERATION: generation, CONTENT.lower(): content}
    return {"id": id, "singleValueExtendedProperties": [{"id": name, "value": value} for name, value in marks.items()]}


def page(*events: object, next_link: str | None = None) -> HttpAnswer:
    more = {} if next_link is None else {"@odata.nextLink": next_link}
    return answer(200, {"@odata.context": "c", "value": list(events), **more})


async def test_a_create_gives_the_event_that_graph_made() -> None:
    port, client = calendar(answer(201, {"id": "e-1", "subject": "Yoga"}))
    assert await port.create(TOKEN, ENTRY, MARK) == STANDS
    (sent,) = client.sent
    assert (sent.method, sent.url) == ("POST", f"{BASE}/me/events")
    assert sent.headers["authorization"] == f"Bearer {TOKEN}"
    assert sent.json["transactionId"]


@pytest.mark.parametrize("status", [400, 409])
async def test_a_create_whose_id_was_used_finds_its_own_event(status: int) -> None:
    port, client = calendar(odata_error(status, "ErrorDuplicateTransactionId"), page(event()))
    assert await port.create(TOKEN, ENTRY, MARK) == STANDS
    assert [sent.method for sent in client.sent] == ["POST", "GET"]


@pytest.mark.parametrize(
    "found", [[], [event(generation="2")], [event(revision="2")], [event(content="another")], [{"id": "e-1"}], [event(revision="x")]]
)
async def test_a_create_whose_id_was_used_by_something_else_says_so(found: list[object]) -> None:
    port, _ = calendar(DUPLICATE, page(*found))
    with pytest.raises(AlreadyExists):
        await port.create(TOKEN, ENTRY, MARK)


async def test_a_throttle_while_looking_for_the_own_event_is_a_throttle() -> None:
    port, _ = calendar(DUPLICATE, odata_error(429, "ApplicationThrottled", retry_after="7"))
    with pytest.raises(Throttled) as raised:
        await port.create(TOKEN, ENTRY, MARK)
    assert raised.value.retry_after == 7.0


async def test_a_create_in_a_mailbox_that_is_not_found_is_permanent() -> None:
    port, _ = calendar(odata_error(404, "ErrorItemNotFound"))
    with pytest.raises(Permanent):
        await port.create(TOKEN, ENTRY, MARK)


@pytest.mark.parametrize("body", [b"", b"not json", b"\xff", b"{}", b'{"id": ""}', b'{"id": 7}'])
async def test_an_answer_without_an_id_leaves_open_whether_the_work_was_done(body: bytes) -> None:
    port, _ = calendar(answer(201, body))
    with pytest.raises(ServiceFailing, match="bad_answer") as raised:
        await port.create(TOKEN, ENTRY, MARK)
    assert raised.value.__context__ is None


async def test_an_update_patches_the_event() -> None:
    port, client = calendar(answer(200, {"id": "e-1"}))
    changed = msgspec.structs.replace(ENTRY, location="Room 5")
    assert await port.update(TOKEN, "e-1", changed, MARK) == STANDS
    (sent,) = client.sent
    assert (sent.method, sent.url) == ("PATCH", f"{BASE}/me/events/e-1")
    assert sent.json["location"] == {"displayName": "Room 5"}
    assert "transactionId" not in sent.json


async def test_an_update_of_an_event_that_went_says_so() -> None:
    port, _ = calendar(odata_error(404, "ErrorItemNotFound"))
    with pytest.raises(EventGone):
        await port.update(TOKEN, "e-1", ENTRY, MARK)


async def test_a_delete_says_whether_there_was_something_to_delete() -> None:
    port, client = calendar(answer(204, b""), odata_error(404, "ErrorItemNotFound"), odata_error(403, "ErrorCannotDeleteObject"))
    assert [await port.delete(TOKEN, "e-1") for _ in range(3)] == [True, False, False]
    assert {(sent.method, sent.url, sent.body) for sent in client.sent} == {("DELETE", f"{BASE}/me/events/e-1", None)}


@pytest.mark.parametrize(
    "refusal", [odata_error(404, "MailboxNotEnabledForRESTAPI"), odata_error(404, "ResourceNotFound"), answer(404, b"")]
)
async def test_a_delete_that_met_another_404_is_not_done(refusal: HttpAnswer) -> None:
    port, _ = calendar(refusal)
    with pytest.raises(Permanent):
        await port.delete(TOKEN, "e-1")


async def test_a_search_takes_the_event_of_the_generation() -> None:
    port, _ = calendar(page(event("old", generation="1"), event("new", generation="2", revision="8")))
    assert await port.find(TOKEN, MARK) == RemoteEvent(remote_id="old", revision=3, generation=1)


async def test_a_search_that_finds_nothing_says_so() -> None:
    port, _ = calendar(page())
    assert await port.find(TOKEN, MARK) is None


async def test_a_search_goes_on_over_empty_pages() -> None:
    port, client = calendar(page(next_link=f"{BASE}/me/events?%24skip=50"), page(event()))
    assert await port.find(TOKEN, MARK) == STANDS
    assert client.sent[1].url == f"{BASE}/me/events?%24skip=50"
    assert client.sent[1].headers["authorization"] == f"Bearer {TOKEN}"


async def test_a_search_without_end_is_given_up() -> None:
    port, client = calendar(*[page(next_link=f"{BASE}/me/events?%24skip=50")] * 50)
    with pytest.raises(ServiceFailing, match="endless_pages"):
        await port.find(TOKEN, MARK)
    assert len(client.sent) < 50


async def test_a_next_page_at_another_host_gets_no_token() -> None:
    port, client = calendar(page(next_link="https://evil.example/me/events"))
    with pytest.raises(CalendarError, match="token_withheld"):
        await port.find(TOKEN, MARK)
    assert len(client.sent) == 1


async def test_a_dropped_connection_passes_through() -> None:
    port, client = calendar(ServiceFailing(Service.MICROSOFT, "dropped"))
    with pytest.raises(ServiceFailing, match="dropped"):
        await port.create(TOKEN, ENTRY, MARK)
    assert len(client.sent) == 1


async def test_no_call_loads_more_of_the_sdk() -> None:
    """What the SDK imports late would stop the event loop for everybody."""
    port, _ = calendar(
        answer(201, {"id": "e"}), answer(200, {"id": "e"}), answer(204), page(next_link=f"{BASE}/x"), page(), odata_error(400, "x")
    )
    before = set(sys.modules)
    await port.create(TOKEN, ENTRY, MARK)
    await port.update(TOKEN, "e", ENTRY, MARK)
    await port.delete(TOKEN, "e")
    await port.find(TOKEN, MARK)
    with pytest.raises(Permanent):
        await port.create(TOKEN, ENTRY, MARK)
    assert {name for name in set(sys.modules) - before if name.startswith(("msgraph", "kiota", "azure"))} == set()


def test_the_fields_read_here_are_those_of_the_sdks_models() -> None:
    assert {"id", "singleValueExtendedProperties"} <= Event().get_field_deserializers().keys()
    assert {"id", "value"} <= SingleValueLegacyExtendedProperty().get_field_deserializers().keys()
