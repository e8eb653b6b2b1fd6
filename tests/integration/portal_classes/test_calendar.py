"""The calendar pages over a read model in SQLite."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from schemas.events import Presence
from schemas.outcomes import OutcomeKind
from tests.integration.portal_classes.html import Page
from tests.integration.portal_classes.world import NOW, World, with_fields
from tests.support.class_events import CLASS_ID, added, cancelled, scheduled, snapshotted

CLASSES = "/manage/classes"
ELSEWHERE: dict[str, Any] = {"location": "Pool", "presence": Presence.ONLINE, "class_type": "Swimming", "title": "Swimming"}


async def page(
    world: World, address: str, provider_id: str = "ada", *, administrator: bool = False, zone: str | None = "Europe/Berlin"
) -> Page:
    async with world.browser(provider_id, administrator=administrator, zone=zone) as browser:
        answer = await browser.get(address)
    assert answer.status_code == 200, answer.text
    return Page(answer.text)


async def three_classes(world: World) -> None:
    """ada's yoga, ben's swimming, one of both; the first two on the same day."""
    await world.connect("ada", "ben")
    await world.tell(
        snapshotted(1, "s1"),
        with_fields(snapshotted(1, "s1", "s2", **ELSEWHERE), class_id="class-8", provider_ids=("ben",)),
        with_fields(snapshotted(1), class_id="class-9", provider_ids=("ada", "ben"), title="Nobody comes"),
    )


async def test_a_provider_sees_own_classes_and_an_administrator_all(world: World) -> None:
    await three_classes(world)
    assert (await page(world, CLASSES, "ada")).classes == [CLASS_ID, "class-9"]
    assert (await page(world, CLASSES, "ben")).classes == ["class-8", "class-9"]
    assert (await page(world, CLASSES, "cleo")).classes == []
    assert (await page(world, CLASSES, "boss", administrator=True)).classes == [CLASS_ID, "class-8", "class-9"]


async def test_a_filter_never_shows_more_than_ones_own(world: World) -> None:
    await three_classes(world)
    for address in (f"{CLASSES}?provider=ben", "/live/classes/calendar?provider=ben&view=day&on=2027-03-08"):
        assert (await page(world, address, "ada")).classes == ["class-9"]


@pytest.mark.parametrize(
    ("query", "classes"),
    [
        ("provider=ben", ["class-8", "class-9"]),
        ("provider=ben&provider=ada", [CLASS_ID, "class-8", "class-9"]),
        ("type=Swimming", ["class-8"]),
        ("presence=online", ["class-8"]),
        ("booked=not_booked", ["class-9"]),
        ("booked=booked&presence=in_person", [CLASS_ID]),
        ("type=Nothing+of+it", []),
        ("view=week&on=2027-03-08", [CLASS_ID, "class-8"]),
        ("view=day&on=2027-03-09", []),
        ("on=2027-04-20", []),
    ],
)
async def test_the_address_says_what_is_shown(world: World, query: str, classes: list[str]) -> None:
    await three_classes(world)
    found = await page(world, f"{CLASSES}?{query}", "boss", administrator=True)
    if query.startswith("view=week"):  # the third one of the hour is a tap away
        assert [element.text for element in found.of_class("more")] == ["+1 more on Monday"]
    assert found.classes == classes


async def test_every_link_of_the_page_keeps_the_filters(world: World) -> None:
    await three_classes(world)
    found = await page(world, f"{CLASSES}?on=2027-03-08&presence=in_person&type=yoga", "boss", administrator=True)
    links = [
        element.attributes["href"]
        for element in found.tagged("a")
        if "view" in element.attributes["href"] or "class=" in element.attributes["href"]
    ]
    assert len(links) > 30
    assert all("type=yoga" in link and "presence=in_person" in link for link in links)
    chips = [element.attributes["href"] for element in found.of_class("chip") if element.tag == "a"]
    assert chips == [f"{CLASSES}?on=2027-03-08&presence=in_person", f"{CLASSES}?on=2027-03-08&type=yoga"]


async def test_what_the_form_sends_is_what_is_ticked_afterwards(world: World) -> None:
    await three_classes(world)
    found = await page(world, f"{CLASSES}?provider=ben&provider=gone&booked=booked", "boss", administrator=True)
    boxes = {
        (box.attributes["name"], box.attributes["value"]): "checked" in box.attributes
        for box in found.tagged("input")
        if box.attributes["type"] == "checkbox"
    }
    assert {box for box, ticked in boxes.items() if ticked} == {("provider", "ben"), ("provider", "gone"), ("booked", "booked")}
    assert ("type", "Swimming") in boxes
    assert ("presence", "hybrid") in boxes


async def test_nonsense_in_the_address_is_said_and_something_is_shown(world: World) -> None:
    await three_classes(world)
    found = await page(world, f"{CLASSES}?view=century&on=2027-02-31&presence=%00&provider=%00&booked=", "boss", administrator=True)
    assert found.classes == [CLASS_ID, "class-8", "class-9"]
    assert len(found.of_class("notice")) == 4


async def test_marks_tell_how_a_class_stands_in_words_too(world: World) -> None:
    await world.connect("ada")
    await world.tell(*(with_fields(snapshotted(1, "s1"), class_id=name) for name in ("on", "wait", "bad")))
    await world.tell(with_fields(snapshotted(1, "s1"), class_id="unconnected", provider_ids=("cleo",)))
    await world.tell(with_fields(snapshotted(1), class_id="empty"))
    await world.outcome("on", "ada", OutcomeKind.CREATED)
    await world.outcome("wait", "ada", OutcomeKind.RETRYING, reason="google: 429 rateLimitExceeded", next_try_at=NOW + timedelta(minutes=4))
    await world.outcome("bad", "ada", OutcomeKind.DEAD_LETTERED, reason="google: 403 forbidden", attempt=5)
    found = await page(world, f"{CLASSES}?view=day&on=2027-03-08", "boss", administrator=True)
    marks = {element.attributes["data-class"]: (element.attributes["data-mark"], element.text) for element in found.of_class("day-entry")}
    assert {name: mark for name, (mark, _) in marks.items()} == {
        "on": "synced",
        "wait": "waiting",
        "bad": "failed",
        "unconnected": "not_connected",
        "empty": "none",
    }
    assert "On the calendar" in marks["on"][1]
    assert "Google is limiting us; next try in 4 min." in marks["wait"][1]
    assert "Google does not allow it" in marks["bad"][1]
    assert "No calendar is connected." in marks["unconnected"][1]
    assert "Nobody has booked it." in marks["empty"][1]
    assert [element.text for element in found.of_class("legend")] == [
        "1 on the calendar 1 waiting 1 failed 1 no calendar connected 1 not for the calendar"
    ]


async def test_a_provider_without_a_calendar_is_shown_where_to_connect_it(world: World) -> None:
    await world.tell(snapshotted(1, "s1"))
    words = "Your calendar is not connected"
    assert words in (await page(world, CLASSES, "ada")).text
    assert words not in (await page(world, CLASSES, "boss", administrator=True)).text
    await world.connect("ada")
    assert words not in (await page(world, CLASSES, "ada")).text


async def test_classes_are_shown_in_their_own_time_with_the_zone_where_it_differs(world: World) -> None:
    await world.tell(snapshotted(1, "s1", time_zone="Asia/Kolkata"))
    entry = (await page(world, CLASSES)).of_class("entry")[0]
    assert entry.text.startswith("09:30 Yoga for all Kolkata time, UTC+05:30")
    at_home = (await page(world, CLASSES, zone="Asia/Kolkata")).of_class("entry")[0]
    assert "Kolkata" not in at_home.text


async def test_a_class_over_midnight_is_on_both_days_of_a_week(world: World) -> None:
    await world.tell(snapshotted(1, "s1", starts_at=datetime(2027, 3, 8, 22), ends_at=datetime(2027, 3, 9, 1)))
    found = await page(world, f"{CLASSES}?view=week&on=2027-03-09")
    assert [element.text.split(" Yoga")[0] for element in found.of_class("entry")] == ["22:00", "Until 01:00"]
    assert len({element.attributes["data-key"] for element in found.of_class("entry")}) == 2


async def test_today_is_the_readers_own(world: World) -> None:
    world.now = datetime.fromisoformat("2027-03-09T23:30:00+00:00")
    for zone, heading in (
        ("UTC", "Tuesday, 9 March 2027"),
        ("Europe/Berlin", "Wednesday, 10 March 2027"),
        ("Pacific/Honolulu", "Tuesday, 9 March 2027"),
    ):
        assert (await page(world, f"{CLASSES}?view=day", zone=zone)).tagged("h1")[0].text == heading


async def test_what_people_write_is_text_and_never_markup(world: World) -> None:
    evil = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
    changes: dict[str, Any] = {"title": evil, "location": evil, "class_type": evil, "provider_ids": ("ada", evil)}
    await world.tell(with_fields(snapshotted(1, "s1", **changes), class_id=evil))
    async with world.browser("ada") as browser:
        for address in (f"{CLASSES}?on=2027-03-08", f"{CLASSES}?view=week&on=2027-03-08", f"{CLASSES}?view=day&on=2027-03-08"):
            html = (await browser.get(address)).text
            assert "<script>alert" not in html
            assert "<img src=x" not in html
            link = next(element for element in Page(html).elements if element.attributes.get("data-class") == evil)
            timeline = await browser.get(link.attributes["href"])
            assert timeline.status_code == 200
            assert "<script>alert" not in timeline.text
            assert Page(timeline.text).tagged("h1")[0].text == evil


async def test_an_address_that_carries_markup_shows_it_as_text(world: World) -> None:
    async with world.browser("ada") as browser:
        answer = await browser.get(CLASSES, params={"type": "<script>alert(1)</script>", "provider": '"onload="x', "on": "2027-03-08"})
    assert "<script>alert" not in answer.text
    assert 'value="&#34;onload=&#34;x"' in answer.text


@pytest.mark.parametrize("view", ["month", "week", "day"])
async def test_a_page_needs_no_inline_script_or_style(world: World, view: str) -> None:
    await three_classes(world)
    found = await page(world, f"{CLASSES}?view={view}&on=2027-03-08", "boss", administrator=True)
    assert not found.tagged("style")
    assert not [
        element for element in found.elements if "style" in element.attributes or any(name.startswith("on") for name in element.attributes)
    ]
    assert all("src" in script.attributes for script in found.tagged("script"))


async def test_no_student_is_on_any_page(world: World) -> None:
    await world.tell(scheduled(), added(2, "student-SECRET-1"), cancelled(3))
    async with world.browser("ada") as browser:
        for address in (CLASSES, f"{CLASSES}?view=day&on=2027-03-08", f"{CLASSES}/timeline?class={CLASS_ID}"):
            assert "SECRET" not in (await browser.get(address)).text


async def test_who_is_not_signed_in_is_sent_to_sign_in_and_back_to_the_same_view(world: World) -> None:
    async with world.browser(None) as browser:
        answer = await browser.get(f"{CLASSES}?view=week&provider=ada")
        assert answer.status_code == 303
        assert answer.headers["location"] == "/signin?next=%2Fmanage%2Fclasses%3Fview%3Dweek%26provider%3Dada"
        for address in ("calendar", "timeline?class=x", "changes"):
            assert (await browser.get(f"/live/classes/{address}")).status_code == 401
