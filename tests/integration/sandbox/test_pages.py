"""The pages for a person."""

import re
from datetime import date

import pytest

from infra.sandbox.pages.month import Month, lay_out, read_month
from tests.integration.sandbox.client import GOOGLE_EVENTS, GRAPH_EVENTS, Client, google_event, graph_event

MONTH = "/calendars/google/ana@impact.example?month=2026-11"


async def test_the_home_page_lists_users_with_links_to_their_months(client: Client) -> None:
    ana = await client.person("google")
    await ana.ask("POST", GOOGLE_EVENTS, google_event())
    await client.person("microsoft", "bo@impact.example")
    page = (await client.ask("GET", "/")).body
    assert "/calendars/google/ana%40impact.example?month=2026-11" in page
    assert "/calendars/microsoft/bo%40impact.example" in page
    assert "2 calendars, 1 event standing" in page


async def test_the_home_page_says_when_there_is_nobody(client: Client) -> None:
    assert "Nobody has connected yet" in (await client.ask("GET", "/")).body


async def test_a_month_shows_each_event_on_its_local_day(client: Client) -> None:
    ana = await client.person("google")
    late = {"start": {"dateTime": "2026-11-02T23:30:00", "timeZone": "America/New_York"}}
    late["end"] = {"dateTime": "2026-11-03T00:30:00", "timeZone": "America/New_York"}
    await ana.ask("POST", GOOGLE_EVENTS, google_event(**late))
    page = (await client.ask("GET", MONTH)).body
    days = dict(re.findall(r'<time datetime="([\d-]+)">(.*?)</td>', page))
    assert "23:30&ndash;00:30" in days["2026-11-02"]
    assert "Yoga" not in days["2026-11-03"]
    assert "1 event" in page


async def test_a_month_leads_to_its_neighbours(client: Client) -> None:
    await client.person("google")
    page = (await client.ask("GET", MONTH)).body
    assert "month=2026-10" in page
    assert "month=2026-12" in page
    assert "No event this month." in page


@pytest.mark.parametrize("service", ["google", "microsoft"])
async def test_texts_of_a_calendar_cannot_become_markup(client: Client, service: str) -> None:
    person, evil = await client.person(service), "<script>alert(1)</script>\"'"
    if service == "google":
        mark = {"private": {evil: evil}}
        event = google_event(summary=evil, location=evil, description=evil, extendedProperties=mark)
        assert (await person.ask("POST", GOOGLE_EVENTS, event)).status == 200
    else:
        event = graph_event(subject=evil, location={"displayName": evil}, body={"contentType": "html", "content": evil})
        assert (await person.ask("POST", GRAPH_EVENTS, event)).status == 201
    reply = await client.ask("GET", f"/calendars/{service}/ana@impact.example?month=2026-11")
    assert "&lt;script&gt;" in reply.body
    assert "<script" not in reply.body
    assert "default-src 'none'" in reply.headers["Content-Security-Policy"]


@pytest.mark.parametrize("month", ["2026-13", "november", "0000-01", "9999-12", ""])
async def test_a_wrong_month_is_refused(client: Client, month: str) -> None:
    await client.person("google")
    assert (await client.ask("GET", f"/calendars/google/ana@impact.example?month={month}")).status == 400


async def test_the_month_of_nobody_is_404(client: Client) -> None:
    assert (await client.ask("GET", MONTH)).status == 404


@pytest.mark.parametrize("month", [Month(1, 1), Month(9998, 12), Month(2024, 2)])
def test_a_grid_has_whole_weeks_from_monday(month: Month) -> None:
    weeks = lay_out(month, [])
    assert {len(week) for week in weeks} == {7}
    assert {week[0].date.weekday() for week in weeks} == {0}
    assert sum(day.inside for week in weeks for day in week) in range(28, 32)


def test_months_shift_over_years_and_stop_at_the_ends() -> None:
    assert (str(Month(2026, 12).shifted(1)), str(Month(2026, 1).shifted(-1))) == ("2027-01", "2025-12")
    assert (Month(1, 1).shifted(-1), Month(9998, 12).shifted(1)) == (Month(1, 1), Month(9998, 12))
    assert read_month(None, date(2026, 11, 22)) == Month(2026, 11)
