"""Cookies, headers, CSRF, redirects and sessions."""

from collections.abc import Callable
from dataclasses import replace
from http.cookies import SimpleCookie

import httpx
import pytest

from adapters.portal.app import create_portal
from tests.integration.portal.conftest import PORTAL, World
from tests.integration.portal.connecting import at_google
from tests.integration.portal.person import Person, problem_of

EXTERNAL = "/account/profile/external"
FORM = {"content-type": "application/x-www-form-urlencoded"}


def cookies_of(answer: httpx.Response) -> SimpleCookie:
    cookies: SimpleCookie = SimpleCookie()
    for header in answer.headers.get_list("set-cookie"):
        cookies.load(header)
    return cookies


def csrf_of(person: Person) -> str:
    return next(value for form in person.forms() for name, value in form.fields if name == "csrf")


async def test_the_session_cookie_is_http_only_lax_and_sealed(world: World) -> None:
    person = world.person()
    seen: list[SimpleCookie] = []

    async def watch(answer: httpx.Response) -> None:
        seen.append(cookies_of(answer))

    person.http.event_hooks = {"response": [watch]}
    await person.sign_in()
    morsel = next(cookies["impact_session"] for cookies in seen if "impact_session" in cookies)
    assert morsel["httponly"] is True
    assert (morsel["samesite"], morsel["path"], morsel["domain"]) == ("Lax", "/", "")
    assert "user_2002" not in morsel.value
    assert morsel["secure"] == "", "plain http on loopback"


async def test_over_https_cookies_are_secure_and_bound_to_the_host(world: World) -> None:
    app = create_portal(replace(world.deps, public_url="https://calendar.example.com"))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://calendar.example.com") as http:
        answer = await http.get("/signin")
        assert answer.status_code == 303
        (name,) = cookies_of(answer)
        assert name.startswith("__Secure-impact_flow_")
        assert cookies_of(answer)[name]["secure"] is True
        assert cookies_of(answer)[name]["path"] == "/signin/callback"
        assert answer.headers["strict-transport-security"] == "max-age=31536000"


@pytest.mark.parametrize("path", ["/", EXTERNAL, "/signin", "/nope", "/static/portal.css", "/live/external", "/oauth/google/callback"])
async def test_every_answer_has_the_security_headers(world: World, path: str) -> None:
    answer = await world.person().http.get(path)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert answer.headers["cache-control"] in ("no-store", "no-cache")


async def test_pages_have_no_inline_script_or_style(world: World, ana: Person) -> None:
    for path in (EXTERNAL, "/account/profile", f"{EXTERNAL}/approval", "/signed-out", "/nope"):
        text = (await ana.open(path)).text
        assert "<style" not in text
        assert " style=" not in text
        assert " onclick=" not in text
        assert "<script>" not in text


FORMS = [f"{EXTERNAL}/connect", f"{EXTERNAL}/disconnect", "/signout", "/administration"]


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize("csrf", [None, "", "wrong", "é" * 10])
async def test_a_form_without_the_sessions_token_is_refused(world: World, path: str, csrf: str | None) -> None:
    person = await world.signed_in("morgan@impact.example")
    fields = {"service": "google", "events": "leave", "grant_id": "x", "tenant": "school.example"}
    answer = await person.http.post(path, data=fields | ({"csrf": csrf} if csrf is not None else {}))
    assert (answer.status_code, problem_of(answer)) == (403, "csrf")
    assert world.publisher.events == []


async def test_a_form_from_another_site_is_refused_even_with_the_token(world: World, ana: Person) -> None:
    fields = {"csrf": csrf_of(ana), "service": "google"}
    answer = await ana.http.post(f"{EXTERNAL}/connect", data=fields, headers={"sec-fetch-site": "cross-site"})
    assert problem_of(answer) == "csrf"


async def test_anothers_csrf_token_is_worth_nothing(world: World, ana: Person) -> None:
    ben = await world.signed_in("ben@impact.example")
    answer = await ben.http.post(f"{EXTERNAL}/connect", data={"csrf": csrf_of(ana), "service": "google"})
    assert problem_of(answer) == "csrf"


@pytest.mark.parametrize(("content", "kind", "status"), [
    (b"csrf=" + b"x" * 20_000, FORM["content-type"], 413), (b"\xff\xfe", FORM["content-type"], 400), (b"{}", "application/json", 415),
    (b"&".join(b"a=1" for _ in range(60)), FORM["content-type"], 400), (b"", "multipart/form-data; boundary=x", 415),
])  # fmt: skip
async def test_what_is_no_form_of_ours_is_refused(world: World, ana: Person, content: bytes, kind: str, status: int) -> None:
    answer = await ana.http.post(f"{EXTERNAL}/connect", content=content, headers={"content-type": kind})
    assert answer.status_code == status


@pytest.mark.parametrize("path", FORMS)
async def test_a_form_of_somebody_signed_out_is_told_so(world: World, path: str) -> None:
    answer = await world.person().http.post(path, data={"csrf": "x"})
    assert (answer.status_code, problem_of(answer)) == (401, "signed_out")


@pytest.mark.parametrize("onward", [
    "https://evil.example/", "//evil.example",
    "/\\evil.example", "\\\\evil.example", "/\t/evil.example", "javascript:alert(1)", "/%0d%0aX: y\r\nZ: w",
    "evil", "", "/" + "a" * 3000,
])  # fmt: skip
async def test_sign_in_leads_on_to_our_own_pages_only(world: World, onward: str) -> None:
    person = world.person()
    await person.open("/signin" + "?" + str(httpx.QueryParams(next=onward)))
    await person.submit("/oidc/authorize", account="user_2002N4U3RRZ0FXB6")
    assert person.page.url.host == "127.0.0.1"
    assert person.page.url.path == EXTERNAL, "the start"
    answer = await person.http.get("/signin", params={"next": onward})
    assert answer.headers["location"] == "/"


async def test_a_session_planted_before_sign_in_is_replaced(world: World) -> None:
    mallory = await world.signed_in("ben@impact.example")
    planted = mallory.http.cookies["impact_session"]
    victim = world.person()
    victim.http.cookies.set("impact_session", planted, domain="127.0.0.1", path="/")
    await victim.open("/signout")
    victim.http.cookies.delete("impact_session")
    await victim.sign_in()
    assert victim.http.cookies["impact_session"] != planted
    page = await mallory.open(EXTERNAL)
    assert "user_2002N4U3RRZ0FXB6" not in page.text


async def test_signing_in_again_makes_a_new_session_and_a_new_token(world: World, ana: Person) -> None:
    before = csrf_of(ana)
    ana.http.cookies.delete("impact_session")
    await ana.open(EXTERNAL)
    assert csrf_of(ana) != before


async def test_a_sign_in_started_elsewhere_is_refused(world: World) -> None:
    mallory, victim = world.person(), world.person()
    answer = await mallory.http.get("/signin")
    at_issuer = await mallory.http.get(answer.headers["location"])
    mallory.page = at_issuer
    pairs = mallory.forms()[0]
    back = await mallory.http.post(httpx.URL(str(at_issuer.url)).join(pairs.action), data={"account": "user_2002N51KQ8M7T3WD"})
    page = await victim.open(back.headers["location"])
    assert problem_of(page) == "signin_unknown"
    assert "impact_session" not in victim.http.cookies


@pytest.mark.parametrize("units", [{"minutes": 61}, {"hours": 13}])
async def test_a_session_ends_when_idle_or_old(world: World, ana: Person, units: dict[str, float]) -> None:
    world.clock.advance(**units)
    answer = await ana.http.get(EXTERNAL)
    assert answer.headers["location"].startswith("/signin")


async def test_a_session_in_use_is_renewed_but_not_beyond_its_age(world: World, ana: Person) -> None:
    for _ in range(13):
        before = ana.http.cookies["impact_session"]
        world.clock.advance(minutes=50)
        answer = await ana.http.get(EXTERNAL)
        assert answer.status_code == 200
        assert ana.http.cookies["impact_session"] != before
    for _ in range(2):
        world.clock.advance(minutes=50)
        answer = await ana.http.get(EXTERNAL)
    assert answer.status_code == 303


async def test_open_pages_that_ask_by_themselves_keep_nobody_signed_in(world: World, ana: Person) -> None:
    for _ in range(2):
        world.clock.advance(minutes=35)
        answer = await ana.http.get("/live/external")
    assert answer.status_code == 401


async def test_signing_out_ends_the_session_here_and_at_the_issuer_even_for_a_copied_cookie(world: World, ana: Person) -> None:
    copied = ana.http.cookies["impact_session"]
    page = await ana.submit("/signout")
    assert page.url.path == "/signed-out"
    assert any("/oidc/logout" in url for url in ana.went)
    assert "impact_session" not in ana.http.cookies
    ana.http.cookies.set("impact_session", copied, domain="127.0.0.1", path="/")
    assert (await ana.http.get(EXTERNAL)).status_code == 303
    ana.http.cookies.delete("impact_session")
    assert "/oidc/authorize" in str((await ana.open(EXTERNAL)).url), "the issuer asks who it is"


@pytest.mark.parametrize(
    "damage", [lambda text: text[:-2], lambda text: text + "A", lambda text: text.swapcase(), lambda _: "AAAA", lambda _: "%%%"]
)
async def test_a_changed_session_cookie_is_no_session(world: World, ana: Person, damage: Callable[[str], str]) -> None:
    text = damage(ana.http.cookies["impact_session"])
    ana.http.cookies.delete("impact_session")
    answer = await ana.http.get(EXTERNAL, headers={"cookie": f"impact_session={text}"})
    assert answer.status_code == 303


async def test_a_flow_cookie_is_no_session(world: World, ana: Person) -> None:
    await at_google(ana)
    flow = next(value for name, value in ana.http.cookies.items() if "flow" in name)
    ana.http.cookies.clear()
    answer = await ana.http.get(EXTERNAL, headers={"cookie": f"impact_session={flow}"})
    assert answer.status_code == 303


async def test_redirect_addresses_come_from_the_setting_and_not_from_the_host_header(world: World) -> None:
    answer = await world.person().http.get("/signin", headers={"host": "evil.example", "x-forwarded-host": "evil.example"})
    assert "evil" not in answer.headers["location"]
    assert httpx.URL(answer.headers["location"]).params["redirect_uri"] == f"{PORTAL}/signin/callback"


async def test_the_administration_page_is_for_administrators(world: World, ana: Person) -> None:
    assert (await ana.http.get("/administration")).status_code == 403
    answer = await ana.http.post("/administration", data={"csrf": csrf_of(ana), "tenant": "school.example"})
    assert answer.status_code == 403
    for who in ("morgan@impact.example", "sam@impact.example"):
        person = await world.signed_in(who)
        assert (await person.open("/administration")).status_code == 200
