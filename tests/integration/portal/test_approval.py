"""Waiting for an administrator: told whichever portal process hears of it, after restarts and new sign-ins, and without our link too."""

import itertools
import re
from html import unescape

import httpx
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from adapters.portal.app import create_portal
from tests.integration.portal.conftest import PORTAL, World
from tests.integration.portal.connecting import at_microsoft
from tests.integration.portal.person import Person, new_person, problem_of

EXTERNAL = "/account/profile/external"
ASK = f"{EXTERNAL}/approval/ask"
WAITS, TOLD = "Waiting for your administrator", "Your administrator has allowed Impact Feedback"
STRICT = {"tenant_id": "b3a7e1d2-91c4-4f4e-8b57-2f6f3c9d7e02", "domain": "strict.example", "admin_approval_required": True}


class Balancer:
    """Each request goes to the next portal in turn."""

    def __init__(self, *portals: ASGIApp) -> None:
        self._next = itertools.cycle(portals)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await next(self._next)(scope, receive, send)


def person_at(world: World, portal: ASGIApp) -> Person:
    person = new_person(portal, PORTAL)
    world.people.append(person)
    return person


async def waiting(world: World, portal: ASGIApp, who: str = "ana@impact.example") -> tuple[Person, str]:
    """Somebody whom Microsoft sent back for approval, and the link for the administrator."""
    person = person_at(world, portal)
    await person.sign_in(who)
    await at_microsoft(person, "chloe@strict.example")
    page = await person.submit("/oauth2/v2.0/authorize", press=("decision", "return"))
    found = re.search(r"<textarea[^>]*>([^<]+)<", page.text)
    assert found, page.text
    return person, unescape(found[1])


async def approve(world: World, portal: ASGIApp, link: str) -> None:
    """The administrator comes back to this portal."""
    admin = person_at(world, portal)
    await admin.open(link)
    await admin.submit("/adminconsent", account="admin@strict.example")
    assert problem_of(await admin.submit("/adminconsent", press=("decision", "accept"))) == "given"


async def tenant(world: World, *, consented: bool) -> None:
    """What an administrator does at Microsoft itself."""
    body = STRICT | {"consented": consented}
    async with httpx.AsyncClient(base_url=world.sandbox.base_url, trust_env=False) as http:
        (await http.post("/control/tenants", json=body)).raise_for_status()


async def connect(person: Person) -> None:
    await person.submit("/connect", service="microsoft")
    await person.submit("/oauth2/v2.0/authorize", account="chloe@strict.example")


async def test_two_portals_behind_a_balancer_tell_and_connect_with_one_click(world: World) -> None:
    first, second = create_portal(world.deps), create_portal(world.deps)
    chloe, link = await waiting(world, Balancer(first, second))
    await approve(world, second, link)
    chloe = _moved(world, chloe, first)  # which heard nothing
    assert WAITS in (await chloe.open(EXTERNAL)).text
    assert TOLD in (await chloe.open(ASK)).text
    chloe = _moved(world, chloe, Balancer(first, second))
    for _ in range(2):
        assert TOLD in (await chloe.open(EXTERNAL)).text
    await connect(chloe)
    assert [event.email for event in world.publisher.events] == ["chloe@strict.example"]  # type: ignore[union-attr]
    assert TOLD not in (await chloe.open(EXTERNAL)).text


def _moved(world: World, person: Person, portal: ASGIApp) -> Person:
    """The same browser, with other portals behind the address."""
    there = person_at(world, portal)
    there.http.cookies = person.http.cookies
    return there


async def test_the_portal_that_heard_it_tells_without_asking(world: World) -> None:
    chloe, link = await waiting(world, world.app)
    await approve(world, world.app, link)
    assert TOLD in (await chloe.open(EXTERNAL)).text


async def test_a_restart_and_a_new_sign_in_lose_nothing(world: World) -> None:
    chloe, link = await waiting(world, world.app)
    await approve(world, world.app, link)
    chloe = _moved(world, chloe, create_portal(world.deps))
    chloe.http.cookies.delete("impact_session")
    await chloe.open(EXTERNAL)
    assert f"{PORTAL}/signin/callback" in chloe.went[-2]
    assert WAITS in chloe.page.text
    assert TOLD in (await chloe.open(ASK)).text


async def test_an_approval_without_our_link_is_told_too(world: World) -> None:
    chloe, _ = await waiting(world, world.app)
    await tenant(world, consented=True)
    assert TOLD in (await chloe.open(ASK)).text


async def test_a_page_asks_when_it_is_opened_again_and_seldom_while_it_stays_open(world: World) -> None:
    world.clock.stand_still()
    chloe, _ = await waiting(world, world.app)
    assert "data-ask" not in (await chloe.open(EXTERNAL)).text
    world.clock.advance(seconds=20)
    assert "data-ask" in (await chloe.open(EXTERNAL)).text
    assert not (await chloe.http.get("/live/external")).json()["ask"]
    world.clock.advance(minutes=2)
    assert (await chloe.http.get("/live/external")).json()["ask"]
    page = await chloe.open(ASK)
    assert WAITS in page.text
    assert "data-ask" not in page.text
    assert chloe.query("prompt") == "none"
    assert world.publisher.events == []


async def test_where_microsoft_knows_nobody_it_is_not_asked_again(world: World) -> None:
    chloe, _ = await waiting(world, world.app)
    chloe.http.cookies.delete("sandbox_microsoft_account")
    page = await chloe.open(ASK)
    assert WAITS in page.text
    assert "as soon as your administrator has allowed it" in page.text
    world.clock.advance(minutes=30)
    assert "data-ask" not in (await chloe.open(EXTERNAL)).text
    assert not (await chloe.http.get("/live/external")).json()["ask"]


async def test_somebody_else_in_the_same_browser_does_not_wait(world: World) -> None:
    chloe, _ = await waiting(world, world.app)
    for cookie in ("impact_session", "sandbox_signed_in"):
        chloe.http.cookies.delete(cookie)
    await chloe.sign_in("ben@impact.example")
    assert WAITS not in chloe.page.text
    await chloe.open(ASK)
    assert str(chloe.page.url).endswith(EXTERNAL)
    assert WAITS not in chloe.page.text


async def test_who_was_told_and_is_refused_all_the_same_waits_with_a_new_link(world: World) -> None:
    chloe, link = await waiting(world, world.app)
    await approve(world, world.app, link)
    await tenant(world, consented=False)
    await chloe.open(EXTERNAL)
    await connect(chloe)
    page = await chloe.submit("/oauth2/v2.0/authorize", press=("decision", "return"))
    assert problem_of(page) == "approval_needed"
    assert link not in unescape(page.text)
    assert WAITS in (await chloe.open(EXTERNAL)).text


@pytest.mark.parametrize("query", ["", "?error=access_denied", "?code=x&state=forged"])
async def test_nobody_is_told_by_an_address(world: World, query: str) -> None:
    chloe, _ = await waiting(world, world.app)
    await chloe.open(f"/oauth/microsoft/callback{query}")
    assert WAITS in (await chloe.open(EXTERNAL)).text
