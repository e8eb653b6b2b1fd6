"""Disconnecting both ways, and what the page says until it is done."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from adapters.read_model.views import CalendarSummary, ConnectionView, EntryCount, LastChange
from schemas.connections import ConnectionRevoked, ConnectionState, Service
from tests.integration.portal.conftest import World
from tests.integration.portal.person import Person, problem_of

ANA = "user_2002N4U3RRZ0FXB6"
EXTERNAL = "/account/profile/external"


def connected(world: World, service: Service = Service.GOOGLE, state: ConnectionState = ConnectionState.CONNECTED) -> ConnectionView:
    view = ConnectionView(
        provider_id=ANA,
        grant_id="grant-1",
        service=service,
        email="ana@impact.example",
        state=state,
        connected_at=datetime(2026, 1, 5, 9, 30, tzinfo=UTC),
        changed_at=datetime(2026, 1, 5, 9, 30, tzinfo=UTC),
    )
    world.read_model.connections[ANA] = view
    return view


@pytest.mark.parametrize(("choice", "removes"), [("leave", False), ("remove", True)])
async def test_a_provider_chooses_what_happens_to_the_events(world: World, ana: Person, choice: str, removes: bool) -> None:
    connected(world)
    world.read_model.summaries[ANA] = CalendarSummary(standing=12)
    page = await ana.open(f"{EXTERNAL}/disconnect")
    assert "the 12 classes that stand on it now" in page.text
    page = await ana.submit("/disconnect", events=choice)
    (event,) = world.publisher.events
    assert isinstance(event, ConnectionRevoked)
    assert (event.provider_id, event.grant_id, event.remove_events) == (ANA, "grant-1", removes)
    assert ('data-state="disconnecting"' in page.text) is removes
    assert ("are being taken off your Google calendar" in page.text) is removes


async def test_removing_shows_its_progress_until_it_is_done(world: World, ana: Person) -> None:
    connected(world)
    world.read_model.summaries[ANA] = CalendarSummary(standing=12)
    await ana.open(f"{EXTERNAL}/disconnect")
    await ana.submit("/disconnect", events="remove")
    world.read_model.summaries[ANA] = CalendarSummary(standing=5)
    page = await ana.open(EXTERNAL)
    assert "7 of 12 removed" in page.text
    assert '<progress id="removal" class="progress" max="12" value="7">' in page.text
    world.read_model.set_state(ANA, ConnectionState.DISCONNECTED)
    assert 'data-state="not_connected"' in (await ana.open(EXTERNAL)).text


async def test_what_was_just_ended_is_not_shown_as_connected_while_the_workers_have_not_heard(world: World, ana: Person) -> None:
    connected(world)
    world.publisher.apply_to = None
    await ana.open(f"{EXTERNAL}/disconnect")
    page = await ana.submit("/disconnect", events="leave")
    assert 'data-state="disconnecting"' in page.text
    assert "Your events stay where they are" in page.text


async def test_another_grant_made_meanwhile_is_not_ended(world: World, ana: Person) -> None:
    connected(world)
    await ana.open(f"{EXTERNAL}/disconnect")
    world.read_model.connections[ANA] = msgspec.structs.replace(connected(world), grant_id="grant-2")
    page = await ana.submit("/disconnect", events="leave")
    assert (page.status_code, problem_of(page)) == (409, "connection_changed")
    assert world.publisher.events == []


async def test_a_broken_connection_can_be_ended_without_a_promise_to_remove(world: World, ana: Person) -> None:
    connected(world, state=ConnectionState.NEEDS_RECONNECT)
    page = await ana.open(f"{EXTERNAL}/disconnect")
    assert "Remove upcoming events first" not in page.text
    assert "reconnect first" in page.text
    await ana.submit("/disconnect", events="remove")
    (event,) = world.publisher.events
    assert isinstance(event, ConnectionRevoked)
    assert event.remove_events is False


async def test_microsoft_is_disconnected_with_the_place_to_remove_the_app(world: World, ana: Person) -> None:
    connected(world, Service.MICROSOFT)
    page = await ana.open(f"{EXTERNAL}/disconnect")
    assert 'href="https://myaccount.microsoft.com"' in page.text
    assert 'href="https://account.live.com/consent/Manage"' in page.text


async def test_there_is_nothing_to_disconnect_without_a_connection(world: World, ana: Person) -> None:
    assert (await ana.open(f"{EXTERNAL}/disconnect")).url.path == EXTERNAL


async def test_an_end_that_cannot_be_published_changes_nothing(world: World, ana: Person) -> None:
    connected(world)
    world.publisher.failing = True
    await ana.open(f"{EXTERNAL}/disconnect")
    page = await ana.submit("/disconnect", events="leave")
    assert problem_of(page) == "not_published"
    assert 'data-state="connected"' in (await ana.open(EXTERNAL)).text


async def test_what_stands_what_waits_and_the_last_change_are_told_in_words(world: World, ana: Person) -> None:
    connected(world)
    now = world.clock()
    world.read_model.summaries[ANA] = CalendarSummary(
        standing=1,
        waiting=(EntryCount(reason="throttled", words="Google is limiting us", count=3, next_try_at=now + timedelta(days=731)),),
        failed=(EntryCount(reason="quota", words="The calendar is full.", count=2),),
        last_change=LastChange(class_id="c1", title="<b>Yoga</b>", words="<b>Yoga</b> was put on the calendar", at=now),
    )
    page = await ana.open(EXTERNAL)
    assert "class stands" in page.text
    assert "3 waiting" in page.text
    assert "Google is limiting us, next try <time" in page.text
    assert "in 2 years" in page.text
    assert "2 not possible" in page.text
    assert "&lt;b&gt;Yoga&lt;/b&gt; was put on the calendar" in page.text


@pytest.mark.parametrize(
    ("reason", "words"),
    [("invalid_grant", "Google ended our access"), ("calendar_scope_missing", "permission for your calendar"), (None, "ended our access")],
)
async def test_a_broken_connection_says_why_and_has_one_button(world: World, ana: Person, reason: str | None, words: str) -> None:
    connected(world)
    world.read_model.set_state(ANA, ConnectionState.NEEDS_RECONNECT, reason)
    page = await ana.open(EXTERNAL)
    assert words in page.text
    assert [form.action for form in ana.forms()].count(f"{EXTERNAL}/connect") == 1


async def test_each_provider_sees_the_own_connection_only(world: World, ana: Person) -> None:
    connected(world)
    ben = await world.signed_in("ben@impact.example")
    assert 'data-state="not_connected"' in ben.page.text
    assert "ana@impact.example" not in ben.page.text
    await ben.open(f"{EXTERNAL}/disconnect")
    csrf = next(value for form in ben.forms() for name, value in form.fields if name == "csrf")
    answer = await ben.http.post(f"{EXTERNAL}/disconnect", data={"csrf": csrf, "grant_id": "grant-1", "events": "leave"})
    assert answer.headers["location"] == EXTERNAL
    assert world.publisher.events == []
