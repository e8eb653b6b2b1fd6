"""Google's authorization endpoint, its consent page and the redemption of its codes."""

from typing import Any

import jwt
import pytest

from tests.integration.sandbox.browser import Browser, Page, challenge_of, new_verifier
from tests.integration.sandbox.client import GOOGLE_EVENTS, Client, Reply, google_event

CALLBACK = "http://127.0.0.1:8000/oauth/google/callback"
CALENDAR = "https://www.googleapis.com/auth/calendar.events.owned"
EMAIL = "https://www.googleapis.com/auth/userinfo.email"
ANA = "ana@impact.example"
VERIFIER = new_verifier()


@pytest.fixture
def browser(client: Client) -> Browser:
    return Browser(base_url=client.sandbox.base_url, http=client.http)


def asked(**more: str) -> dict[str, str]:
    usual = {
        "client_id": "sandbox-client",
        "response_type": "code",
        "redirect_uri": CALLBACK,
        "scope": f"openid email {CALENDAR}",
        "state": "st&te",
        "nonce": "n-1",
        "access_type": "offline",
        "code_challenge": challenge_of(VERIFIER),
        "code_challenge_method": "S256",
    }
    return {name: value for name, value in (usual | more).items() if value}


async def consent(browser: Browser, *, granted: tuple[str, ...] = (CALENDAR,), decision: str = "allow", **more: str) -> Page:
    """Past the page for the account that is hinted at."""
    page = await browser.get("/google/authorize", asked(**({"login_hint": ANA} | more)))
    assert page.status == 200, page.location
    return await browser.press(page, account=ANA, decision=decision, scope_granted=list(granted))


async def redeem(client: Client, code: str, **more: str) -> Reply:
    form = {"client_id": "sandbox-client", "client_secret": "sandbox-secret", "grant_type": "authorization_code"}
    form |= {"code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER} | more
    return await client.ask("POST", "/google/token", data={name: value for name, value in form.items() if value})


async def test_choosing_an_account_and_consenting_connects_its_calendar(client: Client, browser: Browser) -> None:
    chooser = await browser.get("/google/authorize", asked())
    assert "Choose an account" in chooser.text
    assert ANA in chooser.choices
    page = await browser.press(chooser, account=ANA)
    assert "Impact Feedback wants access" in page.text
    assert f'name=scope_granted value="{CALENDAR}" checked' in page.text
    back = await browser.press(page, account=ANA, decision="allow", scope_granted=CALENDAR)
    assert (back.landing, back.back["state"]) == (CALLBACK, "st&te")
    assert set(back.back["scope"].split()) == {"openid", EMAIL, CALENDAR}
    body = (await redeem(client, back.back["code"])).body
    assert set(body["scope"].split()) == {"openid", EMAIL, CALENDAR}
    refreshed = (await client.refresh("google", body["refresh_token"])).body
    bearer = {"Authorization": f"Bearer {refreshed['access_token']}"}
    assert (await client.ask("POST", GOOGLE_EVENTS, google_event(), headers=bearer)).status == 200
    assert len(await client.standing("google", ANA)) == 1


async def test_the_id_token_verifies_and_carries_the_nonce(client: Client, browser: Browser) -> None:
    body = (await redeem(client, (await consent(browser)).back["code"])).body
    keys = jwt.PyJWKSet.from_dict((await client.ask("GET", "/google/jwks")).body)
    issuer = (await client.ask("GET", "/google/.well-known/openid-configuration")).body["issuer"]
    key = keys[jwt.get_unverified_header(body["id_token"])["kid"]]
    claims: dict[str, Any] = jwt.decode(body["id_token"], key, algorithms=["RS256"], audience="sandbox-client", issuer=issuer)
    assert (claims["email"], claims["email_verified"], claims["nonce"], "name" in claims) == (ANA, True, "n-1", False)
    assert claims["sub"].isdigit()
    assert len(claims["sub"]) == 21


async def test_an_unticked_calendar_is_not_granted(client: Client, browser: Browser) -> None:
    back = await consent(browser, granted=())
    assert set(back.back["scope"].split()) == {"openid", EMAIL}
    body = (await redeem(client, back.back["code"])).body
    assert set(body["scope"].split()) == {"openid", EMAIL}
    bearer = {"Authorization": f"Bearer {body['access_token']}"}
    reply = await client.ask("GET", GOOGLE_EVENTS, headers=bearer)
    assert (reply.status, reply.google_reason) == (403, "insufficientPermissions")


async def test_a_scope_that_was_not_asked_for_cannot_be_ticked(client: Client, browser: Browser) -> None:
    wide = "https://www.googleapis.com/auth/calendar"
    back = await consent(browser, granted=(CALENDAR, wide))
    assert wide not in (await redeem(client, back.back["code"])).body["scope"].split()


async def test_a_persons_no_leads_back(browser: Browser) -> None:
    back = await consent(browser, decision="cancel")
    assert (back.landing, back.back) == (CALLBACK, {"error": "access_denied", "state": "st&te"})


async def test_only_the_first_consent_and_an_explicit_one_bring_a_refresh_token(client: Client, browser: Browser) -> None:
    first = (await redeem(client, (await consent(browser)).back["code"])).body
    again = await browser.get("/google/authorize", asked(login_hint=ANA))
    assert again.status == 302
    assert "refresh_token" not in (await redeem(client, again.back["code"])).body
    explicit = (await redeem(client, (await consent(browser, prompt="consent")).back["code"])).body
    assert explicit["refresh_token"] != first["refresh_token"]
    online = await consent(browser, prompt="consent", access_type="online")
    assert "refresh_token" not in (await redeem(client, online.back["code"])).body


async def test_after_an_unticked_first_consent_only_an_explicit_one_brings_a_refresh_token(client: Client, browser: Browser) -> None:
    await redeem(client, (await consent(browser, granted=())).back["code"])
    assert "refresh_token" not in (await redeem(client, (await consent(browser)).back["code"])).body
    assert "refresh_token" in (await redeem(client, (await consent(browser, prompt="consent")).back["code"])).body


async def test_a_revoked_consent_is_asked_for_again_and_brings_a_refresh_token(client: Client, browser: Browser) -> None:
    first = (await redeem(client, (await consent(browser)).back["code"])).body
    second = (await redeem(client, (await consent(browser, prompt="consent")).back["code"])).body
    assert (await client.ask("POST", "/google/revoke", data={"token": second["refresh_token"]})).status == 200
    assert (await client.refresh("google", first["refresh_token"])).body["error"] == "invalid_grant"
    assert "refresh_token" in (await redeem(client, (await consent(browser)).back["code"])).body


async def test_granted_scopes_come_along_when_asked_to(client: Client, browser: Browser) -> None:
    await redeem(client, (await consent(browser)).back["code"])
    plain = await browser.get("/google/authorize", asked(login_hint=ANA, scope="openid"))
    assert (await redeem(client, plain.back["code"])).body["scope"] == "openid"
    along = await browser.get("/google/authorize", asked(login_hint=ANA, scope="openid", include_granted_scopes="true"))
    assert CALENDAR in (await redeem(client, along.back["code"])).body["scope"].split()


@pytest.mark.parametrize(("hint", "error"), [("", "interaction_required"), (ANA, "consent_required")])
async def test_prompt_none_shows_no_page(browser: Browser, hint: str, error: str) -> None:
    page = await browser.get("/google/authorize", asked(prompt="none", login_hint=hint))
    assert page.back == {"error": error, "state": "st&te"}


async def test_select_account_overrules_the_hint(browser: Browser) -> None:
    page = await browser.get("/google/authorize", asked(prompt="select_account consent", login_hint=ANA))
    assert "Choose an account" in page.text


@pytest.mark.parametrize(
    ("request_fields", "status", "code"),
    [
        ({"client_id": "other"}, 401, "invalid_client"),
        ({"redirect_uri": CALLBACK + "/"}, 400, "redirect_uri_mismatch"),
        ({"redirect_uri": ""}, 400, "redirect_uri_mismatch"),
        ({"redirect_uri": "http://127.0.0.1:8000/oauth/microsoft/callback"}, 400, "redirect_uri_mismatch"),
        ({"response_type": "token"}, 400, "invalid_request"),
        ({"access_type": "always"}, 400, "invalid_request"),
        ({"prompt": "login"}, 400, "invalid_request"),
        ({"prompt": "none consent"}, 400, "invalid_request"),
        ({"include_granted_scopes": "yes"}, 400, "invalid_request"),
        ({"code_challenge_method": "plain"}, 400, "invalid_request"),
        ({"code_challenge": "short"}, 400, "invalid_request"),
        ({"offline": "true"}, 400, "invalid_request"),
        ({"scope": ""}, 400, "invalid_scope"),
        ({"scope": "openid https://www.googleapis.com/auth/calendars"}, 400, "invalid_scope"),
    ],
)
async def test_a_wrong_request_ends_on_googles_own_page(browser: Browser, request_fields: dict[str, str], status: int, code: str) -> None:
    page = await browser.get("/google/authorize", asked(login_hint=ANA, **request_fields))
    assert (page.status, page.location) == (status, "")
    assert code in page.text


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "other"}, 401, "invalid_client"),
        ({"code_verifier": new_verifier()}, 400, "invalid_grant"),
        ({"code_verifier": ""}, 400, "invalid_grant"),
        ({"redirect_uri": "http://localhost:8000/oauth/google/callback"}, 400, "redirect_uri_mismatch"),
        ({"code": "nonsense"}, 400, "invalid_grant"),
        ({"code": ""}, 400, "invalid_request"),
        ({"grant_type": "implicit"}, 400, "unsupported_grant_type"),
    ],
)
async def test_a_wrong_redemption_says_what_is_wrong(
    client: Client, browser: Browser, form: dict[str, str], status: int, error: str
) -> None:
    reply = await redeem(client, **({"code": (await consent(browser)).back["code"]} | form))
    assert (reply.status, reply.body["error"]) == (status, error)


async def test_a_verifier_for_a_request_without_a_challenge_is_refused(client: Client, browser: Browser) -> None:
    bare: dict[str, Any] = {"code_challenge": "", "code_challenge_method": ""}
    assert (await redeem(client, (await consent(browser, **bare)).back["code"])).body["error"] == "invalid_grant"
    assert (await redeem(client, (await consent(browser, prompt="consent", **bare)).back["code"], code_verifier="")).status == 200


async def test_a_code_works_once_and_for_ten_minutes(client: Client, browser: Browser) -> None:
    code = (await consent(browser)).back["code"]
    assert (await redeem(client, code)).status == 200
    assert (await redeem(client, code)).body["error"] == "invalid_grant"
    late = (await consent(browser, prompt="consent")).back["code"]
    await client.ask("POST", "/control/clock", {"advance_seconds": 600})
    assert (await redeem(client, late)).body["error"] == "invalid_grant"


async def test_a_request_without_state_or_nonce_comes_back_without_them(client: Client, browser: Browser) -> None:
    back = await consent(browser, state="", nonce="")
    assert "state" not in back.back
    claims = jwt.decode((await redeem(client, back.back["code"])).body["id_token"], options={"verify_signature": False})
    assert "nonce" not in claims


async def test_an_ordered_fault_leads_back_with_its_reason_or_is_a_page(client: Client, browser: Browser) -> None:
    await client.fault(service="google", kind="status", operation="authorize", status=503, reason="temporarily_unavailable", times=1)
    await client.fault(service="google", kind="status", operation="authorize", status=500, times=1)
    page = await browser.get("/google/authorize", asked())
    assert page.back == {"error": "temporarily_unavailable", "error_description": "Simulated.", "state": "st&te"}
    assert (await browser.get("/google/authorize", asked())).status == 500
    assert (await browser.get("/google/authorize", asked())).status == 200


async def test_a_name_cannot_become_markup(client: Client, browser: Browser) -> None:
    evil = "<script>alert(1)</script>\"'"
    account = {"service": "google", "email": "e@x.example", "name": evil}
    assert (await client.ask("POST", "/control/accounts", account)).status == 201
    for hint in ("", "e@x.example"):
        page = await browser.get("/google/authorize", asked(state=evil, login_hint=hint))
        assert "&lt;script&gt;" in page.text
        assert "<script" not in page.text
