"""Signing in and connecting a calendar through the services' consent pages, and everything that a person can do otherwise there."""

import re

import pytest
from playwright.async_api import expect

from tests.e2e.world import World
from tests.portal.conftest import Visit
from tests.portal.stack import PortalStack
from tests.portal.visitor import EXTERNAL, Visitor

pytestmark = [pytest.mark.kafka, pytest.mark.asyncio(loop_scope="package")]

TENANT = "0d3c3a52-6b0e-4b0c-9a55-6f0f8b1c2d03"
NAMES = {"google": "Ana Marin", "microsoft": "Ben Adler"}


async def test_a_provider_signs_in_and_sees_that_nothing_is_connected(visit: Visit) -> None:
    ana = await visit("Ana Ruiz Vega")
    await ana.open("/")
    await ana.look("sign-in")
    await ana.choose_account()
    await ana.state("not_connected")
    await ana.says("If your organization uses single sign-on (SSO) some changes will have no effect.")
    await ana.says("As a provider, you can connect an external calendar service so booked classes appear on your primary calendar.")
    table = ana.page.get_by_role("table")
    await expect(table).to_contain_text("AWS Cognito Authentication")
    await expect(table).to_contain_text(ana.who.sub)
    await ana.look("external-not-connected")
    for tab in ("PROFILE", "PASSWORD", "MFA"):
        await ana.follow(tab)
        await expect(ana.page.get_by_role("heading", level=2, name=re.compile(tab, re.IGNORECASE))).to_be_visible()
        await ana.says("kept by your identity provider, AWS Cognito Authentication, and can be changed there")
        await ana.look(f"profile-{tab.lower()}")


@pytest.mark.parametrize("service", ["google", "microsoft"])
async def test_a_provider_connects_a_calendar(visit: Visit, world: World, service: str) -> None:
    visitor = await visit(NAMES[service])
    await visitor.sign_in()
    await visitor.press({"google": "Google Calendar", "microsoft": "Microsoft 365"}[service])
    await visitor.heading({"google": "Choose an account", "microsoft": "Pick an account"}[service])
    await visitor.look(f"{service}-account")
    await visitor.choose_account()
    await (at_google if service == "google" else at_microsoft)(visitor)
    await visitor.look(f"{service}-consent")
    await visitor.press({"google": "Continue", "microsoft": "Yes"}[service])

    await visitor.state("connected")
    await visitor.says("As a provider, your booked classes will appear on your primary calendar for connected account below.")
    facts = visitor.page.locator("#external-calendar dl.facts")
    await expect(facts).to_contain_text({"google": "Google", "microsoft": "Microsoft"}[service])
    await expect(facts).to_contain_text(visitor.who.email)
    ago = facts.locator("time.ago")
    await expect(ago).to_have_text(re.compile(r"^(a few seconds|a minute|\d minutes) ago$"))
    assert re.search(r"\d{1,2} \w+ \d{4}.* \d\d:\d\d:\d\d", await ago.get_attribute("title") or "")
    await expect(visitor.page.get_by_role("link", name="Disconnect")).to_be_visible()
    await visitor.look(f"external-connected-{service}")

    (status,) = await world.states(visitor.who.at(service), "connected")
    assert (status.service.value, status.email) == (service, visitor.who.email)


async def at_google(visitor: Visitor) -> None:
    page = visitor.page.locator("section.dialog")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Impact Feedback wants access to your Google Account")
    await expect(page).to_contain_text(visitor.who.email)
    box = page.get_by_role("checkbox")
    await expect(box).to_have_count(1)
    await expect(box).to_be_checked()
    await expect(page).to_contain_text("See, create, change, and delete events on Google calendars you own")
    await expect(page.get_by_role("button", name="Cancel")).to_be_visible()


async def at_microsoft(visitor: Visitor) -> None:
    page = visitor.page.locator("section.dialog")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Permissions requested")
    await expect(page.get_by_role("heading", level=2)).to_have_text("Impact Feedback")
    await expect(page.locator(".publisher")).to_have_text("Publisher: Impact Feedback (verified)")
    await expect(page).to_contain_text(visitor.who.email)
    await expect(page.locator("ul.permissions")).to_contain_text("Have full access to your calendars")
    await expect(page.locator("ul.permissions")).to_contain_text("Sign you in and read your profile")
    await expect(page.locator("ul.permissions")).to_contain_text("Maintain access to data you have given it access to")
    await expect(page.get_by_role("button", name="No", exact=True)).to_be_visible()


async def test_until_the_worker_has_taken_it_up_the_page_says_so_and_then_turns_by_itself(visit: Visit, stack: PortalStack) -> None:
    eve = await visit("Eve Lindt")
    await eve.sign_in()
    await eve.to_consent("google")
    with stack.paused("read-model"):
        await eve.press("Continue")
        await eve.state("connecting")
        await eve.says("Google has given us access. Your classes are being put on your calendar.")
        await eve.look("external-connecting")
    await eve.without_reload(lambda: eve.state("connected"))


@pytest.mark.parametrize("service", ["google", "microsoft"])
async def test_a_refused_consent_connects_nothing_and_offers_to_try_again(visit: Visit, service: str) -> None:
    finn = await visit(f"Finn {service.title()}")
    await finn.sign_in()
    await finn.to_consent(service)
    await finn.press({"google": "Cancel", "microsoft": "No"}[service])
    await finn.heading("You did not allow access")
    await finn.look(f"consent-refused-{service}")
    await finn.press(f"Try {service.title()} again")
    await finn.choose_account()
    await finn.press({"google": "Continue", "microsoft": "Yes"}[service])
    await finn.state("connected")


async def test_an_unticked_calendar_permission_connects_nothing_and_says_which_box_to_tick(visit: Visit) -> None:
    gil = await visit("Gil Tamar")
    await gil.sign_in()
    await gil.to_consent("google")
    await gil.page.get_by_role("checkbox").uncheck()
    await gil.press("Continue")
    await gil.heading("The calendar was not ticked")
    await gil.look("calendar-not-ticked")
    await gil.press("Connect Google again")
    await gil.choose_account()
    await expect(gil.page.get_by_role("checkbox")).to_be_checked()
    await gil.press("Continue")
    await gil.state("connected")


async def test_a_provider_who_needs_approval_is_connected_with_one_click_after_it(visit: Visit, world: World) -> None:
    """In a tenant of its own, since an approval holds for everybody in it."""
    tenant = {"tenant_id": TENANT, "domain": "careful.example", "name": "Careful Studios", "admin_approval_required": True}
    await world.sandbox.control("POST", "/control/tenants", tenant)
    hanna, robin = await visit("Hanna Ode", domain="careful.example"), await visit("Robin Berg", domain="careful.example")
    boss = {"service": "microsoft", "email": robin.who.email, "name": robin.who.name, "admin": True}
    await world.sandbox.control("POST", "/control/accounts", boss)

    await hanna.sign_in()
    await hanna.to_consent("microsoft")
    await hanna.heading("Need admin approval")
    await hanna.look("microsoft-need-admin-approval")
    await hanna.press("Return to the application without granting consent")
    await approve(hanna, robin)
    await hanna.says("Your administrator has allowed Impact Feedback")
    await hanna.look("approval-given")
    await hanna.press("Connect Microsoft 365")
    await hanna.choose_account()
    await hanna.state("connected")


async def approve(hanna: Visitor, robin: Visitor) -> None:
    """The waiting provider hands the link over; the administrator opens it, has no account here, and accepts."""
    await hanna.heading("Your administrator has to approve first")
    await hanna.look("approval-needed")
    link = await hanna.page.get_by_label("Link for your administrator").input_value()
    await hanna.follow("Back to your profile")
    await hanna.says("Waiting for your administrator")
    # a page that is about to ask Microsoft by itself comes back without this mark
    await expect(hanna.page.locator("#external-calendar:not([data-ask])")).to_be_visible()
    await hanna.look("approval-waiting")

    await robin.page.goto(link)
    await robin.choose_account()
    await robin.heading("Permissions requested")
    await robin.look("microsoft-admin-consent")
    await robin.press("Accept")
    await robin.heading("Impact Feedback is approved")
    await robin.look("admin-consent-given")


async def test_an_administrator_makes_the_link_for_a_tenant_and_hears_what_became_of_it(visit: Visit) -> None:
    morgan = await visit("Morgan Leigh", groups=("administrators",))
    await morgan.sign_in("/administration")
    for words in ("Calendars.ReadWrite", "Have full access to user calendars", "User.Read", "Sign in and read user profile"):
        await morgan.says(words)
    await morgan.page.get_by_label("Tenant ID or verified domain").fill("not a tenant")
    await morgan.press("Make the link")
    await morgan.says("That is neither a tenant ID nor a domain.")
    await morgan.look("administration-invalid")
    await morgan.page.get_by_label("Tenant ID or verified domain").fill("strict.example")
    await morgan.press("Make the link")
    await expect(morgan.page.get_by_label("Admin-consent link for strict.example")).to_have_value(
        re.compile("/strict.example/adminconsent")
    )
    await morgan.look("administration-link")
    await morgan.follow("Open it")
    await morgan.choose_account("admin@strict.example")
    await morgan.press("Cancel")
    await morgan.heading("It was not approved")
    await morgan.look("admin-consent-declined")


async def test_a_provider_signs_out_here_and_at_the_issuer(visit: Visit) -> None:
    ian = await visit("Ian Soto")
    await ian.sign_in()
    await ian.page.locator("details.menu summary").click()
    await ian.press("Sign out")
    await ian.heading("You are signed out")
    await ian.look("signed-out")
    await ian.open(EXTERNAL)
    await expect(ian.page.get_by_role("heading", level=1)).to_have_text("Sign in")
