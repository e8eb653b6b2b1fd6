"""GoogleCalendar before answers that a well-behaved service does not give, with a sender that is told what to answer."""

import logging
import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from adapters.errors import AlreadyExists, EventGone, Permanent, Retryable, ServiceFailing
from adapters.google.client import GoogleCalendar
from adapters.google.mapping import create_body, event_id, update_body
from adapters.ports import EventMark
from schemas.events import Kind, Presence
from schemas.intents import CalendarEntry
from tests.unit.adapters.google_sender import Sender

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
TOKEN = "ya29.secret"
ENTRY = CalendarEntry(
    title="Yoga <b>for all</b>",
    kind=Kind.CLASS,
    class_type="Yoga <script>",
    starts_at=datetime(2026, 3, 2, 9),
    ends_at=datetime(2026, 3, 2, 10),
    time_zone="Europe/Paris",
    location="Hall\n2",
    presence=Presence.ONLINE,
    url="https://impact.example/c/1",
)
MARK = EventMark(provider_id="p-1", class_id="c-1", revision=3, generation=1, grant_id="g-1")


def calendar(*answers: tuple[int, object]) -> tuple[GoogleCalendar, Sender]:
    sender = Sender(*answers)
    return GoogleCalendar(sender, api_url="https://calendar.example", clock=lambda: NOW), sender


def stored(**changes: Any) -> dict[str, Any]:
    return {**create_body(ENTRY, MARK), "status": "confirmed", **changes}


@pytest.mark.parametrize(("chosen", "kept"), [(logging.WARNING, logging.WARNING), (logging.NOTSET, logging.INFO)])
def test_googles_library_never_logs_answers_and_a_level_that_was_chosen_stays(
    monkeypatch: pytest.MonkeyPatch, chosen: int, kept: int
) -> None:
    library = logging.getLogger("googleapiclient")
    monkeypatch.setattr(library, "level", chosen)
    calendar()
    assert library.level == kept


async def test_requests_are_addressed_to_the_primary_calendar_quietly_and_with_the_bearer_token() -> None:
    google, sender = calendar((200, stored()), (200, stored()), (204, b""), (404, {}), (200, {"items": []}))
    await google.create(TOKEN, ENTRY, MARK)
    await google.update(TOKEN, event_id(MARK), ENTRY, MARK)
    await google.delete(TOKEN, event_id(MARK))
    await google.find(TOKEN, MARK)
    events = "/calendar/v3/calendars/primary/events"
    one = f"{events}/{event_id(MARK)}"
    assert [(method, urlsplit(url).path) for method, url, _, _ in sender.sent] == [
        ("POST", events),
        ("PATCH", one),
        ("DELETE", one),
        ("GET", one),
        ("GET", events),
    ]
    assert all(url.startswith("https://calendar.example/") for _, url, _, _ in sender.sent)
    assert all(headers["authorization"] == f"Bearer {TOKEN}" for _, _, headers, _ in sender.sent)
    assert all(parse_qs(urlsplit(url).query)["sendUpdates"] == ["none"] for _, url, _, _ in sender.sent[:3])


async def test_the_token_is_in_no_address_and_no_body() -> None:
    google, sender = calendar((200, stored()))
    await google.create(TOKEN, ENTRY, MARK)
    [(_, url, _, body)] = sender.sent
    assert TOKEN not in url + str(body)


@pytest.mark.parametrize("content", [b"<html>", b"", b"[]", b"null", b'"x"', b"\xff", {}, {"id": "x", "status": "confirmed"}])
async def test_a_success_that_makes_no_sense_is_ambiguous(content: object) -> None:
    for call in ("create", "update"):
        google, _ = calendar((200, content))
        with pytest.raises(ServiceFailing) as caught:
            await (google.create(TOKEN, ENTRY, MARK) if call == "create" else google.update(TOKEN, "abcde", ENTRY, MARK))
        assert caught.value.code == "bad_answer"


async def test_a_change_that_google_took_for_a_deleted_event_is_gone() -> None:
    google, _ = calendar((200, stored(status="cancelled")))
    with pytest.raises(EventGone):
        await google.update(TOKEN, event_id(MARK), ENTRY, MARK)


@pytest.mark.parametrize("status", [404, 410])
async def test_gone_means_done_for_a_delete_and_not_found_for_a_find(status: int) -> None:
    google, _ = calendar((status, {}), (status, {}), (200, {"items": []}))
    assert await google.delete(TOKEN, "abcde") is False
    assert await google.find(TOKEN, MARK) is None


async def test_a_calendar_that_is_not_there_is_permanent_for_a_create() -> None:
    google, _ = calendar((404, {}))
    with pytest.raises(Permanent):
        await google.create(TOKEN, ENTRY, MARK)


@pytest.mark.parametrize("answer", [(404, {}), (200, stored(status="cancelled")), (200, {"id": "x", "status": "confirmed"})])
async def test_an_id_that_is_taken_by_anything_but_this_create_already_exists(answer: tuple[int, object]) -> None:
    google, _ = calendar((409, {}), answer)
    with pytest.raises(AlreadyExists):
        await google.create(TOKEN, ENTRY, MARK)


async def test_a_failure_to_look_at_the_taken_id_is_that_failure() -> None:
    google, _ = calendar((409, {}), (503, {}))
    with pytest.raises(ServiceFailing):
        await google.create(TOKEN, ENTRY, MARK)


async def test_a_conflict_about_an_update_is_tried_again_later() -> None:
    for status in (409, 412):
        google, _ = calendar((status, {}))
        with pytest.raises(Retryable):
            await google.update(TOKEN, "abcde", ENTRY, MARK)


async def test_a_search_reads_every_page_even_behind_an_empty_one() -> None:
    google, sender = calendar(
        (404, {}), (200, {"items": [], "nextPageToken": "n1"}), (200, {"nextPageToken": "n2"}), (200, {"items": [stored()]})
    )
    found = await google.find(TOKEN, MARK)
    assert found is not None
    assert [parse_qs(urlsplit(url).query).get("pageToken") for _, url, _, _ in sender.sent[1:]] == [None, ["n1"], ["n2"]]


async def test_a_search_without_an_end_is_a_failing_service() -> None:
    google, _ = calendar((404, {}), *[(200, {"items": [], "nextPageToken": "again"})] * 50)
    with pytest.raises(ServiceFailing):
        await google.find(TOKEN, MARK)


async def test_googles_library_logs_no_answer(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    google, _ = calendar((400, {"error": {"message": "Anna's lesson"}}))
    with pytest.raises(Permanent):
        await google.create(TOKEN, ENTRY, MARK)
    assert "Anna" not in caplog.text


# the bodies


def test_an_event_id_is_in_googles_alphabet_and_stays_the_same_for_ever() -> None:
    assert re.fullmatch(r"[a-v0-9]{5,1024}", event_id(MARK))
    # Written down: another derivation would orphan every event that stands.
    assert event_id(MARK) == "cq72jojpncb8qn56p0r41m4sj4bdb26aegqj9sgm110d72js2ne0"


def test_an_update_never_sends_status_attendees_id_or_reminders() -> None:
    assert not {"status", "attendees", "id", "reminders", "transparency", "colorId"} & set(update_body(ENTRY, MARK))
    assert not {"status", "attendees", "reminders"} & set(create_body(ENTRY, MARK))


def test_no_text_of_ours_can_become_markup_in_a_description() -> None:
    body = create_body(ENTRY, MARK)
    assert "Yoga &lt;script&gt; · Class · Online" in body["description"]
    assert "<" not in body["description"]
    assert body["summary"] == ENTRY.title
    assert body["location"] == "Hall 2"


def test_no_null_is_sent_in_a_create() -> None:
    plain = msgspec.structs.replace(ENTRY, url=None)
    assert None not in create_body(plain, MARK).values()
    assert update_body(plain, MARK)["source"] is None


@pytest.mark.parametrize(
    "url",
    [
        "http://impact.example/c/1",
        "https://impact.example/c 1",
        "https://impact.example/\n",
        "https://",
        "https://büro.example/",
        "https://impact.example/<c>",
        "https://impact.example/" + "x" * 2100,
    ],
)
def test_an_address_that_google_may_refuse_stands_in_the_description_only(url: str) -> None:
    """A source that is refused would make the whole class a dead letter."""
    body = create_body(msgspec.structs.replace(ENTRY, url=url), MARK)
    assert "source" not in body
    assert url[:20].strip() in body["description"]


@pytest.mark.parametrize("url", ["https://impact.example", "https://impact.example:8443/c/1?a=b&c=%20#d", "https://[::1]/"])
def test_an_address_of_the_plain_form_is_the_source(url: str) -> None:
    body = create_body(msgspec.structs.replace(ENTRY, url=url), MARK)
    assert body.get("source", {}).get("url") == (url if "[" not in url else None)


@pytest.mark.parametrize("extended", [None, [], {"private": None}, {"private": {"impactKey": 7, "impactRevision": 1}}])
async def test_an_event_whose_properties_are_of_another_shape_is_not_ours(extended: object) -> None:
    google, _ = calendar((404, {}), (200, {"items": [None, stored(extendedProperties=extended)]}), (404, {}), (200, {"items": None}))
    assert await google.find(TOKEN, MARK) is None
    assert await google.find(TOKEN, MARK) is None


@pytest.mark.parametrize("body", [{"error": {"message": 5}}, {"error": 5}, [5], "text"])
async def test_an_error_in_whatever_shape_goes_by_its_status(body: object) -> None:
    google, _ = calendar((400, body))
    with pytest.raises(Permanent):
        await google.create(TOKEN, ENTRY, MARK)
