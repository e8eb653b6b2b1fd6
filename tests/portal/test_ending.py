"""Disconnecting, reconnecting, and moving to the other service."""

import re

import pytest
from playwright.async_api import expect

from tests.e2e.booking import ClassStory
from tests.e2e.world import Provider, World
from tests.portal.conftest import Visit
from tests.portal.stack import PortalStack
from tests.portal.visitor import EXTERNAL, Visitor

pytestmark = [pytest.mark.kafka, pytest.mark.asyncio(loop_scope="package")]


async def with_classes(visitor: Visitor, world: World, service: str, count: int = 1) -> tuple[Provider, list[ClassStory]]:
    """Signed in, connected, and so many classes stand on the calendar and are counted on the page."""
    provider, stories = visitor.who.at(service), [world.new_class() for _ in range(count)]
    await visitor.sign_in()
    await visitor.connect(service)
    for story in stories:
        await story.book(provider.provider_id)
    await world.stand(provider, *stories)
    words = "1 class stands on your calendar" if count == 1 else f"{count} classes stand on your calendar"
    await expect(visitor.page.locator(".standing")).to_have_text(words)
    return provider, stories


async def test_disconnecting_can_leave_the_events_where_they_are(visit: Visit, world: World) -> None:
    quin = await visit("Quin Abel")
    provider, stories = await with_classes(quin, world, "google")
    await quin.look("external-with-a-class")
    await quin.follow("Disconnect")
    await quin.heading("Disconnect Google?")
    await quin.look("disconnect-google")
    await quin.press("Disconnect")
    await quin.state("not_connected")
    await world.states(provider, "connected", "disconnected")
    await stories[0].relocate("Nobody is told")
    await world.settled()
    assert [event.location for event in await world.events(provider)] == ["Studio 2"]


async def test_disconnecting_can_remove_upcoming_events_first_and_shows_how_far_it_is(
    visit: Visit, world: World, stack: PortalStack
) -> None:
    rosa = await visit("Rosa Diaz")
    provider, _ = await with_classes(rosa, world, "microsoft", count=3)
    await rosa.follow("Disconnect")
    await rosa.page.get_by_label("Remove upcoming events first").check()
    await rosa.look("disconnect-microsoft")
    with stack.paused("read-model"):
        await rosa.press("Disconnect")
        await rosa.state("disconnecting")
        await expect(rosa.page.get_by_label("0 of 3 removed")).to_be_visible()
        await rosa.look("external-disconnecting")
    await rosa.without_reload(lambda: rosa.state("not_connected"))
    assert await world.events(provider) == []


@pytest.mark.parametrize("service", ["google", "microsoft"])
async def test_a_revoked_connection_says_why_and_is_put_right_with_one_button(visit: Visit, world: World, service: str) -> None:
    sven = await visit(f"Sven {service.title()}")
    provider, (story,) = await with_classes(sven, world, service)
    await world.sandbox.revoke_grants(provider.account)

    async def breaks() -> None:
        await story.relocate("Studio 9")
        await sven.state("needs_reconnect")

    await sven.without_reload(breaks)
    await sven.says("Your calendar is not being updated")
    await sven.says("1 waiting")
    await sven.look(f"external-needs-reconnect-{service}")
    await sven.press(f"Reconnect {service.title()}")
    await sven.press({"google": "Continue", "microsoft": "Yes"}[service])
    await sven.state("connected")
    assert (await world.shown(provider, story.version)).location == "Studio 9"
    await sven.says("Up to date")


async def test_moving_to_the_other_service_asks_first_and_moves_the_events(visit: Visit, world: World) -> None:
    tess = await visit("Tess Ward")
    old, stories = await with_classes(tess, world, "google", count=2)
    await tess.follow("Use Microsoft 365 instead")
    await tess.heading("Move from Google to Microsoft?")
    await tess.look("switch")
    await tess.press("Continue with Microsoft")
    await tess.choose_account()
    await tess.press("Yes")
    await expect(tess.page.locator("#external-calendar dl.facts")).to_contain_text("Microsoft")
    await tess.state("connected")
    await world.stand(tess.who.at("microsoft"), *stories)
    await world.empty(old)
    await expect(tess.page.locator(".standing")).to_have_text("2 classes stand on your calendar")


async def test_connecting_and_disconnecting_need_no_mouse(visit: Visit) -> None:
    vera = await visit("Vera Moll")
    await vera.open(EXTERNAL)
    await vera.heading("Sign in")
    await reach(vera, "button", vera.who.email)
    await vera.page.keyboard.press("Enter")
    await vera.state("not_connected")
    await vera.page.keyboard.press("Tab")
    assert await focused(vera) == ("a", "Skip to the content", True)
    await vera.page.keyboard.press("Enter")
    await reach(vera, "button", "Google Calendar")
    await vera.page.keyboard.press("Space")
    await vera.heading("Choose an account")
    await reach(vera, "button", vera.who.email)
    await vera.page.keyboard.press("Enter")
    await vera.heading("Impact Feedback wants access to your Google Account")
    await reach(vera, "button", "Continue")
    await vera.page.keyboard.press("Enter")
    await vera.state("connected")
    await reach(vera, "a", "Disconnect")
    await vera.page.keyboard.press("Enter")
    await vera.heading("Disconnect Google?")
    await reach(vera, "input", "")
    await vera.page.keyboard.press("ArrowDown")
    await expect(vera.page.get_by_label("Remove upcoming events first")).to_be_checked()
    await reach(vera, "button", "Disconnect")
    await vera.page.keyboard.press("Enter")
    await vera.state("not_connected")


async def reach(visitor: Visitor, tag: str, text: str, *, steps: int = 60) -> None:
    """Tab on until the focus is on it, and can be seen to be there."""
    for _ in range(steps):
        await visitor.page.keyboard.press("Tab")
        at, says, visible = await focused(visitor)
        if at == tag and text.casefold() in says.casefold():
            assert visible, f"the focus on {text!r} is not visible"
            return
    raise AssertionError(f"the keyboard does not reach {tag} {text!r} on {visitor.page.url}")


async def focused(visitor: Visitor) -> tuple[str, str, bool]:
    """Its tag, its text, and whether it is seen to have the focus; asked at once, since the page may put another in its place."""
    tag, text, visible = await visitor.page.evaluate("""() => {
        const at = document.activeElement, style = getComputedStyle(at);
        return [at.localName, at.textContent.trim(), style.outlineStyle !== "none" || style.boxShadow !== "none"];
    }""")
    return tag, text, visible


async def test_a_throttled_calendar_says_who_is_limiting_and_when_the_next_try_is(visit: Visit, world: World) -> None:
    """The last one here: what waits for minutes keeps `settled` from ever coming true."""
    uma = await visit("Uma Lind")
    provider, _ = await with_classes(uma, world, "google")
    order = {"operation": "create", "email": provider.account.email, "status": 429, "retry_after": 265}
    await world.sandbox.fault("google", "status", **order, times=1)
    await world.new_class().book(provider.provider_id)
    await uma.says("Google is limiting us")
    await expect(uma.page.locator("#external-calendar time.until")).to_have_text(re.compile(r"^in [34] minutes$"))
    await uma.look("external-waiting")
