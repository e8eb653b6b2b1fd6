"""A class's timeline: why it is, or is not, on a calendar; and who may see it."""

from datetime import timedelta
from urllib.parse import quote

import pytest

from schemas.outcomes import OutcomeKind
from tests.integration.portal_classes.html import Page
from tests.integration.portal_classes.world import NOW, World, with_fields
from tests.support.class_events import CLASS_ID, added, scheduled, snapshotted

TIMELINE = "/manage/classes/timeline"


async def booked_and_created(world: World) -> None:
    await world.connect("ada")
    await world.tell(scheduled(), at=NOW - timedelta(hours=2))
    await world.tell(added(2), at=NOW - timedelta(hours=1))
    retry = {"reason": "google: 429 rateLimitExceeded", "next_try_at": NOW - timedelta(minutes=10)}
    await world.outcome(CLASS_ID, "ada", OutcomeKind.RETRYING, at=NOW - timedelta(minutes=11), **retry)
    await world.outcome(CLASS_ID, "ada", OutcomeKind.CREATED, at=NOW - timedelta(minutes=9), attempt=2)


async def test_the_way_of_a_class_from_its_event_to_the_calendar(world: World) -> None:
    await booked_and_created(world)
    async with world.browser("ada", zone="Europe/Berlin") as browser:
        found = Page((await browser.get(f"{TIMELINE}?class={CLASS_ID}")).text)
    steps = [(element.attributes["data-stage"], element.attributes["data-kind"]) for element in found.of_class("story-step")]
    assert sorted(steps) == sorted(
        [
            ("event", "class.scheduled"),
            ("event", "roster.student_added"),
            ("intent", "show"),
            ("outcome", "retrying"),
            ("outcome", "created"),
        ]
    )
    assert [step for step in steps if step[0] == "outcome"] == [("outcome", "retrying"), ("outcome", "created")]
    told = " ".join(element.text for element in found.of_class("story-step"))
    for words in ("Google is limiting us", "Put on the Google calendar (try 2).", "It is booked now."):
        assert words in told
    assert [element.text for element in found.of_class("story-time")][:2] == ["11:00:00", "12:00:00"]
    assert "Why is this on your calendar?" in found.text
    milestones = found.of_class("milestone")
    assert len(milestones) == 4
    assert not any(element.has("ahead") for element in milestones)


async def test_why_a_class_is_not_on_the_calendar(world: World) -> None:
    await world.connect("ada")
    await world.tell(snapshotted(1, "s1"))
    await world.outcome(CLASS_ID, "ada", OutcomeKind.DEAD_LETTERED, reason="google: 403 calendarUsageDenied", attempt=5)
    async with world.browser("ada") as browser:
        found = Page((await browser.get(f"{TIMELINE}?class={CLASS_ID}")).text)
    assert "Why is this not on your calendar?" in found.text
    assert "Google does not allow it (calendarUsageDenied)." in found.of_class("journey-answer")[0].text


async def test_an_administrator_sees_each_providers_way_and_a_provider_the_own_one(world: World) -> None:
    await world.connect("ada", "ben")
    await world.tell(snapshotted(1, "s1", provider_ids=("ada", "ben")))
    await world.outcome(CLASS_ID, "ben", OutcomeKind.CREATED)
    for who, administrator, journeys in (("boss", True, ["ada", "ben"]), ("ada", False, ["ada"]), ("ben", False, ["ben"])):
        async with world.browser(who, administrator=administrator) as browser:
            found = Page((await browser.get(f"{TIMELINE}?class={CLASS_ID}")).text)
        assert [element.attributes["data-provider"] for element in found.of_class("journey")] == journeys
        told = " ".join(element.text for element in found.of_class("story-step"))
        assert ("Put on the Google calendar." in told) == (who != "ada")


@pytest.mark.parametrize("class_id", [CLASS_ID, "no-such-class", "", "x" * 5000, "a\0b", "../../etc/passwd", "' or 1=1 --"])
async def test_another_providers_class_looks_like_none_at_all(world: World, class_id: str) -> None:
    await booked_and_created(world)
    async with world.browser("ben") as browser:
        page = await browser.get(f"{TIMELINE}?class={quote(class_id)}")
        fragment = await browser.get(f"/live/classes/timeline?class={quote(class_id)}")
        unknown = await browser.get(f"{TIMELINE}?class=unknown")
    assert page.status_code == fragment.status_code == 404
    assert fragment.json() == {"error": "no_such_class"}
    assert page.text == unknown.text
    assert "Yoga" not in page.text


@pytest.mark.parametrize("class_id", ["a/b", "..", "a?b#c", "ä ö&ü=1", "100%"])
async def test_a_class_of_any_name_has_a_timeline(world: World, class_id: str) -> None:
    await world.tell(with_fields(snapshotted(1, "s1"), class_id=class_id))
    async with world.browser("ada") as browser:
        found = Page((await browser.get("/manage/classes?on=2027-03-08")).text)
        link = next(element for element in found.elements if element.attributes.get("data-class") == class_id)
        answer = await browser.get(link.attributes["href"])
    assert answer.status_code == 200
    assert Page(answer.text).tagged("h1")[0].text == "Yoga for all"


async def test_the_way_back_is_the_view_that_one_came_from(world: World) -> None:
    await booked_and_created(world)
    async with world.browser("boss", administrator=True) as browser:
        found = Page((await browser.get(f"{TIMELINE}?class={CLASS_ID}&view=week&on=2027-03-08&provider=ada")).text)
        assert found.of_class("back-link")[0].attributes["href"] == "/manage/classes?view=week&on=2027-03-08&provider=ada"
        lost = await browser.get(f"{TIMELINE}?class=gone&view=week&on=2027-03-08")
    assert lost.status_code == 404
    assert 'href="/manage/classes?view=week&amp;on=2027-03-08"' in lost.text


async def test_events_of_a_class_that_was_never_scheduled_are_told_to_operators(world: World) -> None:
    await world.tell(added(5))
    async with world.browser("boss", administrator=True) as browser:
        found = Page((await browser.get(f"{TIMELINE}?class={CLASS_ID}")).text)
    assert "before it was ever scheduled" in found.text
    async with world.browser("ada") as browser:
        assert (await browser.get(f"{TIMELINE}?class={CLASS_ID}")).status_code == 404
