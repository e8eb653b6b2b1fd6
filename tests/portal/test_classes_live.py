"""A class's way from the booking system to the provider's calendar, as an open page shows it; and pages of many classes."""

import re
from typing import Any

import pytest
from playwright.async_api import Locator, expect

from tests.e2e.booking import ClassStory
from tests.e2e.world import World
from tests.portal.conftest import Visit
from tests.portal.visitor import Visitor

pytestmark = [pytest.mark.kafka, pytest.mark.asyncio(loop_scope="package")]

NAMES = {"google": "Jo Castell", "microsoft": "Kim Ferro"}
MAY = "/manage/classes?on=2030-05-06"
SCRIPT = '<img src="/nowhere" onerror="window.wasRun = true"><script>window.wasRun = true</script>'


def entry(visitor: Visitor, story: ClassStory, mark: str = "") -> Locator:
    """The class on the open page, with this cloud mark."""
    wanted = f'[data-mark="{mark}"]' if mark else ""
    return visitor.page.locator(f'a[data-class="{story.class_id}"]{wanted}')


def cell(visitor: Visitor, day: str) -> Locator:
    return visitor.page.locator(f'td.cell:has(a[data-key="day {day}"])')


async def at_a_booked_class(visit: Visit, world: World, name: str) -> tuple[Visitor, ClassStory]:
    """The month of a class, open before its provider, whose Google calendar is connected."""
    visitor, story = await visit(name), world.new_class()
    await visitor.sign_in()
    await visitor.connect("google")
    await story.book(visitor.who.sub)
    await visitor.open(MAY)
    return visitor, story


@pytest.mark.parametrize("service", ["google", "microsoft"])
async def test_an_open_page_follows_a_class_from_booking_to_cancelling(visit: Visit, world: World, service: str) -> None:
    visitor, story = await visit(NAMES[service]), world.new_class()
    provider = visitor.who.at(service)
    await visitor.sign_in()
    await visitor.connect(service)
    await visitor.open(MAY)
    await visitor.says("No classes in this period.")

    async def lives() -> None:
        await story.schedule(provider.provider_id)
        await expect(entry(visitor, story, "none")).to_be_visible()
        await story.join()
        await expect(entry(visitor, story, "synced")).to_be_visible()
        assert (await world.shown(provider, story.version)).title == "Yoga for beginners"
        await story.reschedule("2030-05-07T17:00:00", "2030-05-07T18:00:00")
        await expect(cell(visitor, "2030-05-07").locator(f'a[data-class="{story.class_id}"][data-mark="synced"]')).to_contain_text("17:00")
        assert (await world.shown(provider, story.version)).start_local.isoformat() == "2030-05-07T17:00:00"
        await story.cancel()
        await expect(visitor.page.locator(f'a.cancelled[data-class="{story.class_id}"]')).to_be_visible()
        await world.empty(provider)

    await visitor.without_reload(lives)


async def test_a_timeline_tells_why_a_class_is_on_the_calendar_and_goes_on_telling(visit: Visit, world: World) -> None:
    lena, story = await at_a_booked_class(visit, world, "Lena Holm")
    await entry(lena, story, "synced").click()
    panel = lena.page.get_by_role("dialog")
    await expect(panel.get_by_role("heading", level=1)).to_have_text("Yoga for beginners")
    stages = panel.locator("li.story-step")
    for stage in ("event", "intent", "outcome"):
        await expect(panel.locator(f'li.story-step[data-stage="{stage}"]').first).to_be_visible()
    before = await stages.count()

    async def goes_on() -> None:
        await story.relocate("Studio 7")
        await expect(panel).to_contain_text("Studio 7")
        await expect(stages).not_to_have_count(before)

    await lena.without_reload(goes_on)
    await lena.look("timeline-panel")
    await lena.follow("Open as a page")
    await expect(lena.page.get_by_role("link", name="Back to the calendar")).to_have_attribute("href", MAY)
    await lena.look("timeline-page")


async def test_a_class_opens_also_when_it_changes_while_the_button_is_down(visit: Visit, world: World) -> None:
    """A press that hits one node and is released over another is no click on either."""
    gil, story = await at_a_booked_class(visit, world, "Gil Brandt")
    await entry(gil, story, "synced").hover()
    async with gil.page.expect_response(re.compile("/live/classes/calendar")):
        await gil.page.mouse.down()
        await story.change_details(title="Yoga for everyone")
    await gil.page.wait_for_timeout(500)
    await gil.page.mouse.up()
    await expect(gil.page.get_by_role("dialog").get_by_role("heading", level=1)).to_have_text("Yoga for everyone")
    await expect(entry(gil, story, "synced")).to_contain_text("Yoga for everyone")


async def test_titles_and_places_are_shown_as_text_whatever_they_hold(visit: Visit, world: World) -> None:
    mia, story = await visit("Mia Rossi"), world.new_class()
    await mia.sign_in()
    await mia.connect("microsoft")
    url = "https://classes.example/?q=<script>window.wasRun=true</script>"
    await story.book(mia.who.sub, title=SCRIPT, location=SCRIPT, class_type=SCRIPT, url=url)
    for view in ("month", "week", "day"):
        await mia.open(f"{MAY}&view={view}")
        await expect(entry(mia, story, "synced")).to_contain_text('<img src="/nowhere"')
        assert await mia.page.evaluate("() => window.wasRun") is None
    await entry(mia, story).click()
    await expect(mia.page.get_by_role("dialog").get_by_role("heading", level=1)).to_have_text(SCRIPT)
    await mia.follow("Open as a page")
    await expect(mia.page.get_by_role("heading", level=1)).to_have_text(SCRIPT)
    await mia.open("/account/profile/external")
    await expect(mia.page.locator("#external-calendar")).to_contain_text("1 class stands on your calendar")
    assert await mia.page.evaluate("() => window.wasRun") is None
    assert "onerror" not in [name for name, _ in await attributes(mia)]


async def attributes(visitor: Visitor) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = await visitor.page.evaluate(
        "() => [...document.querySelectorAll('*')].flatMap(one => [...one.attributes].map(held => [held.name, held.value]))"
    )
    return found


async def test_an_address_that_is_a_script_is_no_link(visit: Visit, world: World) -> None:
    noa, story = await visit("Noa Stern"), world.new_class()
    await noa.sign_in()
    await story.book(noa.who.sub, url="https://classes.example/fine")
    await story.change_details(url="javascript:window.wasRun=true")
    await story.change_details(title="Renamed")
    await noa.open("/manage/classes?on=2030-05-06")
    await expect(entry(noa, story)).to_contain_text("Renamed")
    await noa.open(f"/manage/classes/timeline?class={story.class_id}")
    await noa.heading("Renamed")
    links = [value for name, value in await attributes(noa) if name == "href"]
    assert "https://classes.example/fine" in links
    assert not [link for link in links if link.strip().lower().startswith("javascript:")]


MONTH: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("06T07:30", "08:15", {"title": "Morning mobility", "class_type": "Mobility", "location": "Studio 1"}),
    ("06T09:30", "10:45", {"title": "Yoga for beginners", "class_type": "Yoga", "location": "Studio 2"}),
    ("06T10:00", "11:00", {"title": "Strength basics", "class_type": "Strength", "location": "Gym"}),
    ("06T18:00", "19:00", {"title": "Evening flow", "class_type": "Yoga", "presence": "hybrid"}),
    ("07T12:00", "12:45", {"title": "Lunch break Pilates", "class_type": "Pilates", "presence": "online", "location": "Video call"}),
    ("08T09:00", "10:00", {"title": "First appointment", "class_type": "Coaching", "kind": "appointment"}),
    ("09T16:30", "18:00", {"title": "Climbing technique", "class_type": "Climbing", "location": "Hall B"}),
    ("10T08:00", "09:00", {"title": "Yoga for beginners", "class_type": "Yoga"}),
    ("11T22:30", "23:45", {"title": "Late stretch", "class_type": "Mobility", "presence": "online"}),
    ("02T17:00", "18:00", {"title": "Strength basics", "class_type": "Strength", "location": "Gym"}),
    *(
        (f"15T{hour:02}:00", f"{hour:02}:45", {"title": "Assessment", "class_type": "Coaching", "kind": "appointment"})
        for hour in range(9, 15)
    ),
    ("17T12:00", "12:45", {"title": "Lunch break Pilates", "class_type": "Pilates", "presence": "online"}),
    ("21T16:30", "18:00", {"title": "Climbing technique", "class_type": "Climbing", "location": "Hall B"}),
    ("24T07:30", "08:15", {"title": "Morning mobility", "class_type": "Mobility", "location": "Studio 1"}),
    ("29T09:00", "10:00", {"title": "Back school", "class_type": "Mobility", "location": "Studio 3"}),
)


async def test_month_week_and_day_show_classes_with_their_marks_and_can_be_filtered(visit: Visit, world: World) -> None:
    olga, pia = await visit("Olga Brandt"), await visit("Pia Sand")
    await olga.sign_in()
    await olga.connect("google")
    stories = [world.new_class() for _ in MONTH]
    for story, (start, end, details) in zip(stories, MONTH, strict=True):
        day = f"2030-05-{start[:2]}"
        await story.book(olga.who.sub, starts_at=f"2030-05-{start}:00", ends_at=f"{day}T{end}:00", **details)
    await world.stand(olga.who.at("google"), *stories)
    await world.sandbox.fault("google", "status", operation="update", email=olga.who.email, status=400, times=1)
    await stories[2].relocate("Somewhere that Google refuses")
    await stories[5].cancel()
    others = [world.new_class() for _ in range(2)]
    for other in others:
        await other.book(pia.who.sub, title="Dance", class_type="Dance", starts_at="2030-05-14T10:00:00", ends_at="2030-05-14T11:00:00")

    await olga.open(MAY)
    await expect(entry(olga, stories[2], "failed")).to_be_visible()
    await expect(entry(olga, stories[1], "synced")).to_be_visible()
    await expect(olga.page.locator(f'a[data-class="{others[0].class_id}"]')).to_have_count(0)
    await olga.look("classes-month")
    await olga.follow("week")
    await expect(olga.page.locator("div.week").locator(f'a[data-class="{stories[4].class_id}"]')).to_be_visible()
    await olga.look("classes-week")
    await olga.follow("day")
    await expect(olga.page.locator("div.day").locator(f'a[data-class="{stories[0].class_id}"]')).to_be_visible()
    await olga.look("classes-day")
    await filtered(olga, stories)
    await all_of_them(visit, stories, others, olga.who.sub, pia.who.sub)


async def filtered(olga: Visitor, stories: list[ClassStory]) -> None:
    await olga.open(MAY)
    await olga.page.locator("#filters summary").click()
    await olga.page.locator(".chip-box", has_text="Yoga").click()
    await olga.look("classes-filters")
    await olga.press("Apply")
    await expect(olga.page).to_have_url(f"{olga.portal}/manage/classes?on=2030-05-06&type=Yoga")
    await expect(olga.page.locator("a[data-class]")).to_have_count(3)
    await olga.look("classes-filtered")
    await olga.page.locator("ul.set-filters").get_by_role("link", name="Reset").click()
    await expect(entry(olga, stories[0])).to_be_visible()


async def all_of_them(visit: Visit, stories: list[ClassStory], others: list[ClassStory], *providers: str) -> None:
    """An operator sees every provider's classes; those of somebody without a connection say so."""
    sam = await visit("Sam Novy", groups=("operators",))
    await sam.sign_in(MAY + "".join(f"&provider={provider}" for provider in providers))
    await expect(entry(sam, others[0], "not_connected")).to_be_visible()
    await expect(entry(sam, stories[1], "synced")).to_be_visible()
    await sam.look("classes-month-operator")
