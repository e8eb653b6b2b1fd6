"""What a browser can be made to do, and what strangers can ask for, over HTTP."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
import pytest_asyncio
from starlette.routing import Route

from adapters.portal.admin import routes as admin
from adapters.portal.classes import routes as classes
from adapters.portal.connect import routes as connect
from adapters.portal.profile import routes as profile
from adapters.portal.signin import routes as signin
from tests.e2e.world import World
from tests.portal.conftest import Visit
from tests.portal.visitor import Visitor
from tests.support.waiting import eventually

pytestmark = [pytest.mark.kafka, pytest.mark.asyncio(loop_scope="package")]

#: Every route of the portal that people reach, so that a new one is tried as soon as it is there.
ROUTES: list[Route] = [*signin.routes(), *profile.routes(), *connect.routes(), *admin.routes(), *classes.routes()]
PARAMETERS = (
    "next", "state", "code", "error", "error_description", "service", "tenant", "admin_consent", "class", "on", "view", "provider", "type",
    "presence", "booked", "seen", "zone", "events", "grant_id", "csrf", "switch",
)  # fmt: skip
ODD = (
    "", "0", "-1", "a" * 5000, "../../etc/passwd", "//evil.example", "javascript:alert(1)", "<script>alert(1)</script>",
    "' OR 1=1 --", "{{7*7}}", "%00", "\x00", "\ud7ff\uffff", "é\u202eabc", "2030-13-45", "0000-00-00", "9999-12-31",
    "0001-01-01", "1e309", "null", "[]", "%", "%zz",
)  # fmt: skip


@pytest_asyncio.fixture(loop_scope="package")
async def signed_in(visit: Visit) -> Visitor:
    """Of the role that reaches every page."""
    wanda = await visit("Wanda Kerr", groups=("administrators",))
    await wanda.sign_in()
    return wanda


@pytest_asyncio.fixture(loop_scope="package")
async def http(signed_in: Visitor) -> AsyncIterator[aiohttp.ClientSession]:
    """A client outside the browser with the visitor's cookies."""
    cookies = {cookie["name"]: cookie["value"] for cookie in await signed_in.context.cookies()}
    headers = {"cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
    async with aiohttp.ClientSession(base_url=signed_in.portal, headers=headers, timeout=aiohttp.ClientTimeout(total=20)) as session:
        yield session


async def test_anothers_class_is_not_there(visit: Visit, world: World) -> None:
    xenia, yann = await visit("Xenia Roth"), await visit("Yann Petit")
    story = world.new_class()
    await story.book(yann.who.sub, title="A private appointment")
    await yann.sign_in()
    await seen(yann, story.class_id)
    await xenia.sign_in()
    asked = quote(story.class_id)
    for path in (f"/manage/classes/timeline?class={asked}", f"/live/classes/timeline?class={asked}"):
        answer = await xenia.context.request.get(xenia.portal + path)
        assert answer.status == 404, path
        assert "A private appointment" not in await answer.text()
        assert await (await xenia.context.request.get(xenia.portal + path.replace(asked, "no-such-class"))).text() == await answer.text()
    listed = await xenia.context.request.get(f"{xenia.portal}/manage/classes?on=2030-05-06&provider={yann.who.sub}")
    assert "A private appointment" not in await listed.text()


async def seen(visitor: Visitor, class_id: str) -> None:
    """Until its own provider sees the class."""
    await visitor.open("/manage/classes?on=2030-05-06")
    await visitor.page.locator(f'a[data-class="{class_id}"]').wait_for()


async def test_scripts_reach_no_cookie_of_the_portal(signed_in: Visitor) -> None:
    mine: list[Any] = [cookie for cookie in await signed_in.context.cookies(signed_in.portal) if cookie["name"].startswith("impact_")]
    sessions = [cookie for cookie in mine if cookie["name"] == "impact_session"]
    assert len(sessions) == 1
    assert (sessions[0]["httpOnly"], sessions[0]["sameSite"], sessions[0]["path"]) == (True, "Lax", "/")
    assert "impact_session" not in await signed_in.page.evaluate("() => document.cookie")
    assert signed_in.who.sub not in sessions[0]["value"]


async def test_a_script_that_somebody_smuggled_in_does_not_run(signed_in: Visitor) -> None:
    await signed_in.page.evaluate("""() => new Promise(failed => {
        const script = document.createElement("script");
        script.textContent = "window.wasRun = true";
        document.body.append(script);
        const image = document.createElement("img");
        image.setAttribute("onerror", "window.wasRun = true");
        image.addEventListener("error", failed);
        image.src = "/nowhere";
        document.body.append(image);
    })""")

    async def both_were_refused() -> bool:
        return len([complaint for complaint in signed_in.complaints if "Content Security Policy" in complaint]) >= 2

    await eventually(both_were_refused, what="the policy to refuse the script and the handler")
    assert await signed_in.page.evaluate("() => window.wasRun") is None
    signed_in.complaints.clear()


async def test_another_sites_page_cannot_frame_the_portal(signed_in: Visitor) -> None:
    answer = await signed_in.context.request.get(signed_in.portal + "/account/profile/external")
    assert answer.headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


async def test_nothing_that_is_asked_crashes_the_portal(http: aiohttp.ClientSession) -> None:
    for route in ROUTES:
        for odd in ODD:
            for left_out in ((), ("error", "class")):
                await ask(http, route, {name: odd for name in PARAMETERS if name not in left_out})


async def ask(http: aiohttp.ClientSession, route: Route, fields: dict[str, str]) -> None:
    """In the form of a route that takes one, in the address otherwise. AssertionError for a crash, and for a way out of the portal."""
    method = "POST" if "POST" in (route.methods or ()) else "GET"
    given = {"data": fields} if method == "POST" else {"params": fields}
    async with http.request(method, route.path, allow_redirects=False, **given) as answer:  # type: ignore[arg-type]
        assert answer.status < 500, (method, route.path, fields)
        assert "evil.example" not in answer.headers.get("location", "").partition("?")[0], (method, route.path, fields)


async def test_no_method_crashes_a_route(http: aiohttp.ClientSession) -> None:
    for method in ("HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE"):
        for route in ROUTES:
            async with http.request(method, route.path, allow_redirects=False) as answer:
                assert answer.status < 500, (method, route.path)
