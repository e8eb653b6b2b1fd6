"""EventDateTime: zones, offsets, whole days, and what Google refuses."""

from typing import Any

import pytest

from tests.integration.sandbox.client import GOOGLE_EVENTS, Client, Reply, google_event


async def put(google: Client, start: Any, end: Any) -> Reply:
    return await google.ask("POST", GOOGLE_EVENTS, google_event(start=start, end=end))


def at(text: str, zone: str | None = None) -> dict[str, str]:
    return {"dateTime": text} if zone is None else {"dateTime": text, "timeZone": zone}


@pytest.mark.parametrize(
    ("zone", "start", "utc"),
    [
        ("Asia/Kolkata", "2026-11-02T09:00:00", "2026-11-02T03:30:00Z"),
        ("Africa/Casablanca", "2026-11-02T09:00:00", "2026-11-02T08:00:00Z"),
        ("Europe/Zurich", "2026-10-25T02:30:00", "2026-10-25T00:30:00Z"),
        ("Europe/Zurich", "2026-03-29T02:30:00", "2026-03-29T01:30:00Z"),
        ("America/New_York", "2026-07-01T09:00:00.250", "2026-07-01T13:00:00.250000Z"),
    ],
)
async def test_a_wall_time_is_read_in_its_zone(google: Client, zone: str, start: str, utc: str) -> None:
    await put(google, at(start, zone), at("2026-12-02T10:00:00", zone))
    assert (await google.standing("google"))[0]["start_utc"] == utc


async def test_an_offset_needs_no_zone_and_is_shown_in_the_zone_when_there_is_one(google: Client) -> None:
    reply = await put(google, at("2026-11-02T09:00:00+02:00"), at("2026-11-02T09:00:00Z", "Europe/Zurich"))
    assert reply.body["start"] == {"dateTime": "2026-11-02T07:00:00Z", "timeZone": "UTC"}
    assert reply.body["end"] == {"dateTime": "2026-11-02T10:00:00+01:00", "timeZone": "Europe/Zurich"}


async def test_whole_days_are_taken(google: Client) -> None:
    reply = await put(google, {"date": "2026-11-02"}, {"date": "2026-11-03"})
    assert (reply.status, reply.body["start"]) == (200, {"date": "2026-11-02"})


@pytest.mark.parametrize(
    ("start", "end", "reason", "message"),
    [
        (at("2026-11-02T09:00:00"), at("2026-11-02T10:00:00Z"), "required", "Missing time zone definition for start time."),
        (at("2026-11-02T09:00:00Z"), at("2026-11-02T10:00:00"), "required", "Missing time zone definition for end time."),
        (at("2026-11-02T09:00:00", "Mars/Base"), at("2026-11-02T10:00:00Z"), "invalid", "Invalid time zone definition for start time."),
        (
            at("2026-11-02T09:00:00Z", "Romance Standard Time"),
            at("2026-11-02T10:00:00Z"),
            "invalid",
            "Invalid time zone definition for start time.",
        ),
        (at("2026-11-02T10:00:00Z"), at("2026-11-02T09:00:00Z"), "timeRangeEmpty", "The specified time range is empty."),
        (at("2026-11-02T10:00:00Z"), at("2026-11-02T10:00:00Z"), "timeRangeEmpty", "The specified time range is empty."),
        (at("2026-11-02T10:00:00Z"), {}, "required", "Missing end time."),
        (at("2026-11-02T10:00:00Z"), {"date": "2026-11-03"}, "invalid", None),
        (at("2026-02-30T10:00:00Z"), at("2026-11-02T10:00:00Z"), "invalid", "Invalid start time."),
        (at("2026-11-02 10:00"), at("2026-11-02T10:00:00Z"), "badRequest", None),
    ],
)
async def test_times_that_google_refuses(
    google: Client, start: dict[str, str], end: dict[str, str], reason: str, message: str | None
) -> None:
    reply = await put(google, start, end)
    assert (reply.status, reply.google_reason) == (400, reason)
    assert message in (None, reply.body["error"]["message"])


async def test_an_insert_without_times_is_refused(google: Client) -> None:
    reply = await google.ask("POST", GOOGLE_EVENTS, {"summary": "x"})
    assert (reply.status, reply.body["error"]["message"]) == (400, "Missing start time.")


async def test_a_recurring_event_needs_a_zone(google: Client) -> None:
    event = google_event(start=at("2026-11-02T09:00:00Z"), end=at("2026-11-02T10:00:00Z"), recurrence=["RRULE:FREQ=DAILY"])
    assert (await google.ask("POST", GOOGLE_EVENTS, event)).google_reason == "required"


async def test_a_patched_start_keeps_the_zone_that_the_event_had(google: Client) -> None:
    event_id = (await google.ask("POST", GOOGLE_EVENTS, google_event())).body["id"]
    body = (await google.ask("PATCH", f"{GOOGLE_EVENTS}/{event_id}", {"start": {"dateTime": "2026-11-02T08:30:00"}})).body
    assert body["start"] == {"dateTime": "2026-11-02T08:30:00+01:00", "timeZone": "Europe/Zurich"}
    assert body["sequence"] == 1
