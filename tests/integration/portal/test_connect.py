"""Connecting through the sandbox's consent pages, and everything that can keep it from happening."""

import re
from collections.abc import Awaitable, Callable

import aiohttp
import httpx
import msgspec
import pytest

from adapters.vault.seal import ConnectionAad
from schemas.connections import ConnectionGranted, ConnectionState, Service
from tests.integration.portal.conftest import World
from tests.integration.portal.connecting import EVENTS_SCOPE, at_google, at_microsoft, connect_google, connect_microsoft
from tests.integration.portal.person import Person, problem_of
from tests.support.portal import RING

ANA = "user_2002N4U3RRZ0FXB6"


def granted(world: World) -> ConnectionGranted:
    (event,) = world.publisher.events
    assert isinstance(event, ConnectionGranted)
    return event


def opened(event: ConnectionGranted) -> str:
    aad = ConnectionAad(provider_id=event.provider_id, service=event.service, grant_id=event.grant_id)
    return RING.open(event.sealed_refresh_token, aad)


async def control(world: World, method: str, path: str, **body: object) -> None:
    async with aiohttp.ClientSession() as http, http.request(method, world.sandbox.base_url + path, json=body or None) as answer:
        assert answer.status < 300, await answer.text()


async def test_google_is_connected_with_a_sealed_token_and_the_granted_scopes(world: World, ana: Person) -> None:
    page = await connect_google(ana)
    event = granted(world)
    assert page.url.path == "/account/profile/external"
    assert (event.provider_id, event.service, event.email) == (ANA, Service.GOOGLE, "ana@impact.example")
    assert EVENTS_SCOPE in event.scopes
    assert opened(event).startswith("1//")
    assert "As a provider, your booked classes will appear on your primary calendar for connected account below." in page.text
    assert "a few seconds ago" in page.text
    assert "ana@impact.example" in page.text


async def test_microsoft_is_connected_for_work_and_for_personal_accounts(world: World, ana: Person) -> None:
    await connect_microsoft(ana)
    assert (granted(world).service, granted(world).email) == (Service.MICROSOFT, "ana@impact.example")
    assert opened(granted(world))
    world.publisher.events.clear()
    world.read_model.connections.clear()
    await connect_microsoft(ana, "ana.ruiz@outlook.example")
    assert granted(world).email == "ana.ruiz@outlook.example"


@pytest.mark.parametrize("connect", [connect_google, connect_microsoft])
async def test_the_account_is_told_by_its_lasting_name(world: World, ana: Person, connect: Callable[[Person], Awaitable[object]]) -> None:
    """Its address may become another account's, and it may have several."""
    await connect(ana)
    assert (granted(world).account_id or granted(world).email) != granted(world).email


async def test_the_request_to_google_has_pkce_state_nonce_offline_access_and_the_narrow_scope(world: World, ana: Person) -> None:
    await at_google(ana)
    assert ana.query("scope") == f"openid email {EVENTS_SCOPE}"
    assert ana.query("code_challenge_method") == "S256"
    assert ana.query("access_type") == "offline"
    assert "consent" in ana.query("prompt").split()
    assert ana.query("redirect_uri") == "http://127.0.0.1:8000/oauth/google/callback"
    assert len(ana.query("state")) >= 32
    assert len(ana.query("nonce")) >= 32


async def test_the_request_to_microsoft_has_the_scopes_of_the_calendar_and_the_profile(world: World, ana: Person) -> None:
    await at_microsoft(ana)
    assert ana.query("scope").split() == ["Calendars.ReadWrite", "User.Read", "offline_access", "openid", "email"]
    assert ana.query("redirect_uri") == "http://127.0.0.1:8000/oauth/microsoft/callback"
    assert ana.query("code_challenge_method") == "S256"


async def test_until_the_worker_has_taken_it_up_the_page_says_that_it_connects(world: World, ana: Person) -> None:
    world.publisher.apply_to = None
    page = await connect_google(ana)
    assert 'data-state="connecting"' in page.text
    answer = await ana.http.get("/live/external")
    live = answer.json()
    assert live["settled"] is False
    assert "set-cookie" not in answer.headers
    world.publisher.apply_to = world.read_model
    await world.publisher.granted(granted(world))
    assert (await ana.http.get("/live/external")).json()["version"] != live["version"]
    assert 'data-state="connected"' in (await ana.open("/account/profile/external")).text


async def test_a_refused_consent_connects_nothing_and_says_so(world: World, ana: Person) -> None:
    await at_google(ana)
    page = await ana.submit("/google/authorize", press=("decision", "cancel"))
    assert problem_of(page) == "consent_refused"
    await at_microsoft(ana)
    page = await ana.submit("/oauth2/v2.0/authorize", press=("decision", "cancel"))
    assert problem_of(page) == "consent_refused"
    assert world.publisher.events == []


async def test_an_unticked_calendar_has_its_own_page_and_leaves_no_half_grant(world: World, ana: Person) -> None:
    await at_google(ana)
    page = await ana.submit("/google/authorize", without="scope_granted", press=("decision", "allow"))
    assert problem_of(page) == "calendar_not_allowed"
    assert "tick the box" in page.text
    assert world.publisher.events == []
    page = await connect_google(ana)  # the useless grant was given back, so Google asks anew
    assert 'data-state="connected"' in page.text


async def test_administrator_approval_has_its_own_page_and_the_waiting_provider_is_told(world: World, ana: Person) -> None:
    await at_microsoft(ana, "chloe@strict.example")
    page = await ana.submit("/oauth2/v2.0/authorize", press=("decision", "return"))
    assert problem_of(page) == "approval_needed"
    assert "Waiting for your administrator" in (await ana.open("/account/profile/external")).text
    link = re.search(r"<textarea[^>]*>([^<]+)<", page.text)
    assert link
    admin = world.person()
    await admin.open(link[1].replace("&amp;", "&"))
    await admin.submit("/adminconsent", account="admin@strict.example")
    page = await admin.submit("/adminconsent", press=("decision", "accept"))
    assert problem_of(page) == "given"
    page = await ana.open("/account/profile/external")
    assert "Your administrator has allowed Impact Feedback" in page.text
    page = await connect_without_consent(ana)
    assert granted(world).email == "chloe@strict.example"
    assert "Waiting for your administrator" not in page.text
    assert "has allowed" not in page.text


async def connect_without_consent(person: Person) -> httpx.Response:
    await person.submit("/connect", service="microsoft")
    return await person.submit("/oauth2/v2.0/authorize", account="chloe@strict.example")


async def test_an_administrator_who_declines_changes_nothing(world: World, ana: Person) -> None:
    await at_microsoft(ana, "chloe@strict.example")
    page = await ana.submit("/oauth2/v2.0/authorize", press=("decision", "return"))
    link = re.search(r"<textarea[^>]*>([^<]+)<", page.text)
    assert link
    admin = world.person()
    await admin.open(link[1].replace("&amp;", "&"))
    await admin.submit("/adminconsent", account="admin@strict.example")
    assert problem_of(await admin.submit("/adminconsent", press=("decision", "cancel"))) == "declined"
    assert "Waiting for your administrator" in (await ana.open("/account/profile/external")).text


@pytest.mark.parametrize("path", ["/oauth/google/callback", "/oauth/microsoft/callback"])
async def test_a_forged_state_is_refused(world: World, ana: Person, path: str) -> None:
    page = await ana.open(f"{path}?code=abc&state=forged")
    assert (page.status_code, problem_of(page)) == (400, "flow_unknown")
    assert problem_of(await ana.open(path)) == "flow_unknown"
    assert problem_of(await ana.open(f"{path}?state=")) == "flow_unknown"
    assert world.publisher.events == []


async def test_a_replayed_callback_is_told_that_it_is_done(world: World, ana: Person) -> None:
    await connect_google(ana)
    callback = next(url for url in reversed(ana.went) if "/oauth/google/callback" in url)
    page = await ana.open(callback)
    assert (page.status_code, problem_of(page)) == (409, "flow_used")
    assert len(world.publisher.events) == 1


async def test_a_state_kept_with_its_cookie_works_once(world: World, ana: Person) -> None:
    await at_google(ana)
    kept = dict(ana.http.cookies)
    await ana.submit("/google/authorize", press=("decision", "allow"))
    callback = next(url for url in reversed(ana.went) if "/oauth/google/callback" in url)
    for name, value in kept.items():
        if "flow" in name:
            ana.http.cookies.set(name, value, domain="127.0.0.1", path="/oauth/google/callback")
    assert problem_of(await ana.open(callback)) == "flow_used"
    assert len(world.publisher.events) == 1


async def test_a_state_of_one_service_is_worth_nothing_at_the_other(world: World, ana: Person) -> None:
    await at_google(ana)
    state = ana.query("state")
    assert problem_of(await ana.open(f"/oauth/microsoft/callback?code=x&state={state}")) == "flow_unknown"


async def test_anothers_state_is_refused(world: World, ana: Person) -> None:
    ben = await world.signed_in("ben@impact.example")
    await at_google(ana)
    callback = f"/oauth/google/callback?code=abc&state={ana.query('state')}"
    assert problem_of(await ben.open(callback)) == "flow_unknown"
    for name, value in ana.http.cookies.items():
        if "flow" in name:
            ben.http.cookies.set(name, value, domain="127.0.0.1", path="/oauth/google/callback")
    assert problem_of(await ben.open(callback)) == "flow_session"
    assert world.publisher.events == []


async def test_a_state_expires(world: World, ana: Person) -> None:
    await at_google(ana)
    world.clock.advance(minutes=11)
    page = await ana.submit("/google/authorize", press=("decision", "allow"))
    assert problem_of(page) == "flow_expired"
    assert world.publisher.events == []


async def test_two_tabs_do_not_disturb_each_other(world: World, ana: Person) -> None:
    first = await at_google(ana)
    await at_google(ana)
    await ana.submit("/google/authorize", press=("decision", "allow"))
    ana.page = first
    await ana.submit("/google/authorize", press=("decision", "allow"))
    assert len(world.publisher.events) == 2, "each flow has its own state; the later grant replaces the earlier"


async def test_somebody_signed_out_on_the_way_is_told_and_the_code_goes_nowhere(world: World, ana: Person) -> None:
    await at_google(ana)
    ana.http.cookies.delete("impact_session")
    page = await ana.submit("/google/authorize", press=("decision", "allow"))
    assert (page.status_code, problem_of(page)) == (401, "signed_out")
    assert "code=" not in page.text


async def test_a_grant_that_cannot_be_published_is_no_connection(world: World, ana: Person) -> None:
    world.publisher.failing = True
    page = await connect_google(ana)
    assert (page.status_code, problem_of(page)) == (503, "not_published")
    assert 'data-state="not_connected"' in (await ana.open("/account/profile/external")).text


async def test_a_service_that_fails_is_told_as_such(world: World, ana: Person) -> None:
    await at_google(ana)
    await control(world, "POST", "/control/faults", service="google", operation="token", kind="status", status=503)
    page = await ana.submit("/google/authorize", press=("decision", "allow"))
    assert problem_of(page) == "service_unavailable"


async def test_moving_to_the_other_service_is_a_clear_choice(world: World, ana: Person) -> None:
    await connect_google(ana)
    page = await ana.open("/account/profile/external/switch?service=microsoft")
    assert "Move from Google to Microsoft?" in page.text
    assert "nothing stands twice" in page.text
    await ana.submit("/connect")
    await ana.submit("/oauth2/v2.0/authorize", account="ana@impact.example")
    await ana.submit("/oauth2/v2.0/authorize", press=("decision", "accept"))
    assert [event.service for event in world.publisher.events if isinstance(event, ConnectionGranted)] == [
        Service.GOOGLE,
        Service.MICROSOFT,
    ]


async def test_connecting_while_connected_asks_first(world: World, ana: Person) -> None:
    stale_form = await ana.open("/account/profile/external")
    await connect_google(ana)
    ana.page = stale_form
    page = await ana.submit("/connect", service="microsoft")
    assert page.url.path == "/account/profile/external/switch"
    assert len(world.publisher.events) == 1


async def test_reconnecting_offers_the_same_account_and_asks_google_for_consent(world: World, ana: Person) -> None:
    await connect_google(ana)
    world.read_model.set_state(ANA, ConnectionState.NEEDS_RECONNECT, "invalid_grant")
    page = await ana.open("/account/profile/external")
    assert "Your calendar is not being updated" in page.text
    await ana.submit("/connect")
    assert ana.query("login_hint") == "ana@impact.example"
    assert ana.query("prompt") == "consent"
    page = await ana.submit("/google/authorize", press=("decision", "allow"))
    assert 'data-state="connected"' in page.text


async def test_google_is_not_asked_for_consent_again_while_its_token_is_held(world: World, ana: Person) -> None:
    await connect_google(ana)
    await ana.open("/account/profile/external/switch?service=google")
    await ana.submit("/connect")
    assert ana.query("prompt") == "select_account"
    page = await ana.submit("/google/authorize", account="ana@impact.example")
    assert "That account is connected already." in page.text
    assert len(world.publisher.events) == 1


async def test_an_account_that_google_knows_without_us_holding_its_token_is_asked_for_consent_once_more(world: World, ana: Person) -> None:
    await connect_google(ana, "ben@impact.example")
    await ana.open("/account/profile/external/switch?service=google")
    world.publisher.events.clear()
    await ana.submit("/connect")
    await ana.submit("/google/authorize", account="chloe@impact.example")
    page = await ana.submit("/google/authorize", press=("decision", "allow"))
    assert granted(world).email == "chloe@impact.example"
    assert 'data-state="connected"' in page.text


async def test_no_token_and_no_code_reaches_a_page_a_log_or_a_cookie_in_clear(
    world: World, ana: Person, everything_logged: Callable[[], str]
) -> None:
    page = await connect_google(ana)
    token = opened(granted(world))
    code = ana.query("code")
    logged = "\n".join(line for line in everything_logged().splitlines() if "adapters." in line or "httpx2" in line or "authlib" in line)
    for secret in (token, code, "sandbox-secret", "sandbox-portal-secret"):
        assert secret not in page.text
        assert secret not in logged
        assert secret not in str(dict(ana.http.cookies))
    assert token not in granted(world).sealed_refresh_token


async def test_an_email_that_is_html_is_shown_as_text(world: World, ana: Person) -> None:
    email = '"><script>alert(1)</script>@impact.example'
    await connect_google(ana)
    world.read_model.connections[ANA] = msgspec.structs.replace(world.read_model.connections[ANA], email=email)
    page = await ana.open("/account/profile/external")
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert(1)" in page.text
