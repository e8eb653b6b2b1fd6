"""What the sign-in provider refuses."""

from typing import Any
from urllib.parse import urlencode

import pytest

from tests.integration.sandbox.browser import Browser, new_verifier
from tests.integration.sandbox.client import Client
from tests.integration.sandbox.signing_in import ANA, CALLBACK, VERIFIER, asked, code_for, redeem


@pytest.fixture
def browser(client: Client) -> Browser:
    return Browser(base_url=client.sandbox.base_url, http=client.http)


async def test_a_stolen_session_id_is_dead_after_the_sign_out(browser: Browser) -> None:
    await code_for(browser)
    stolen = dict(browser.cookies)
    await browser.get("/oidc/logout")
    browser.cookies = stolen
    assert (await browser.get("/oidc/authorize", asked())).status == 200


@pytest.mark.parametrize("which", ["post_logout_redirect_uri", "logout_uri"])
async def test_a_sign_out_leads_to_registered_addresses_only(client: Client, browser: Browser, which: str) -> None:
    for address in ("http://evil.example/", "http://127.0.0.1:8000/signed-out/", "http://127.0.0.1:8000/signed-out?x=1"):
        page = await browser.get("/oidc/logout", {"client_id": "sandbox-portal", which: address})
        assert (page.status, page.location) == (400, "")
    nobody = await browser.get("/oidc/logout", {which: "http://127.0.0.1:8000/"})
    assert (nobody.status, nobody.location) == (400, "")


async def test_an_id_token_hint_names_the_client_and_has_to_be_genuine(client: Client, browser: Browser) -> None:
    token = (await redeem(client, await code_for(browser))).body["id_token"]
    landing = "http://127.0.0.1:8000/"
    await client.ask("POST", "/control/clock", {"advance_seconds": 7200})
    assert (await browser.get("/oidc/logout", {"id_token_hint": token, "post_logout_redirect_uri": landing})).location == landing
    forged = token[:-20] + ("A" * 20)
    assert (await browser.get("/oidc/logout", {"id_token_hint": forged, "post_logout_redirect_uri": landing})).status == 400


@pytest.mark.parametrize(
    ("request_fields", "code"),
    [
        ({"client_id": "other"}, "invalid_client"),
        ({"client_id": ""}, "invalid_client"),
        ({"redirect_uri": ""}, "redirect_mismatch"),
        ({"redirect_uri": CALLBACK + "/"}, "redirect_mismatch"),
        ({"redirect_uri": CALLBACK + "?x=1"}, "redirect_mismatch"),
        ({"redirect_uri": "http://127.0.0.1:8001/signin/callback"}, "redirect_mismatch"),
        ({"redirect_uri": "http://127.0.0.1:8000/oauth/google/callback"}, "redirect_mismatch"),
    ],
)
async def test_an_unknown_client_or_address_is_never_led_back(browser: Browser, request_fields: dict[str, str], code: str) -> None:
    page = await browser.get("/oidc/authorize", asked(login_hint=ANA, **request_fields))
    assert (page.status, page.location) == (400, "")
    assert code in page.text


@pytest.mark.parametrize(
    ("request_fields", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": ""}, "invalid_request"),
        ({"scope": "email"}, "invalid_scope"),
        ({"scope": "openid calendar"}, "invalid_scope"),
        ({"code_challenge": "", "code_challenge_method": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": ""}, "invalid_request"),
        ({"code_challenge": VERIFIER}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "nobody"}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"request": "eyJ"}, "request_not_supported"),
        ({"request_uri": "https://x.example"}, "request_uri_not_supported"),
    ],
)
async def test_a_wrong_request_is_led_back_with_the_error(browser: Browser, request_fields: dict[str, str], error: str) -> None:
    page = await browser.get("/oidc/authorize", asked(login_hint=ANA, **request_fields))
    assert (page.landing, page.back["error"], page.back["state"], "code" in page.back) == (CALLBACK, error, "st&te", False)


async def test_a_repeated_parameter_is_refused(browser: Browser) -> None:
    page = await browser.get("/oidc/authorize?" + urlencode([*asked(login_hint=ANA).items(), ("state", "other")]))
    assert (page.status, page.location) == (400, "")


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "other"}, 401, "invalid_client"),
        ({"code_verifier": new_verifier()}, 400, "invalid_grant"),
        ({"code_verifier": "short"}, 400, "invalid_grant"),
        ({"code_verifier": ""}, 400, "invalid_request"),
        ({"redirect_uri": "http://localhost:8000/signin/callback"}, 400, "invalid_grant"),
        ({"redirect_uri": ""}, 400, "invalid_request"),
        ({"code": "nonsense"}, 400, "invalid_grant"),
        ({"grant_type": "refresh_token"}, 400, "unsupported_grant_type"),
        ({"grant_type": ""}, 400, "invalid_request"),
    ],
)
async def test_a_wrong_redemption_says_what_is_wrong(
    client: Client, browser: Browser, form: dict[str, Any], status: int, error: str
) -> None:
    code = await code_for(browser)
    reply = await redeem(client, **({"code": code} | form))
    assert (reply.status, reply.body["error"]) == (status, error)


async def test_a_code_that_was_shown_twice_loses_what_it_brought(client: Client, browser: Browser) -> None:
    code = await code_for(browser)
    bearer = {"Authorization": f"Bearer {(await redeem(client, code)).body['access_token']}"}
    assert (await client.ask("GET", "/oidc/userinfo", headers=bearer)).body["sub"] == ANA
    assert (await redeem(client, code)).body["error"] == "invalid_grant"
    reply = await client.ask("GET", "/oidc/userinfo", headers=bearer)
    assert reply.status == 401
    assert "invalid_token" in reply.headers["WWW-Authenticate"]


async def test_a_wrong_verifier_uses_the_code_up(client: Client, browser: Browser) -> None:
    code = await code_for(browser)
    await redeem(client, code, code_verifier=new_verifier())
    assert (await redeem(client, code)).body["error"] == "invalid_grant"


async def test_a_code_lives_a_minute(client: Client, browser: Browser) -> None:
    code = await code_for(browser)
    await client.ask("POST", "/control/clock", {"advance_seconds": 60})
    assert (await redeem(client, code)).body["error"] == "invalid_grant"


async def test_a_name_cannot_become_markup(client: Client, browser: Browser) -> None:
    evil = "<script>alert(1)</script>\"'"
    await client.ask("POST", "/control/people", {"sub": evil, "email": "e@x.example", "name": evil, "groups": [evil]})
    page = await browser.get("/oidc/authorize", asked(state=evil))
    assert "<script" not in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    back = await browser.press(page, account=evil)
    assert back.back["state"] == evil


@pytest.mark.parametrize("state", ["%FF", "%00", "%0d%0aSet-Cookie:x=1", "%ED%A0%80", "a+b%20c%26d"])
async def test_an_odd_state_comes_back_without_breaking_the_answer(browser: Browser, state: str) -> None:
    page = await browser.get(f"/oidc/authorize?{urlencode(asked(login_hint=ANA, state=''))}&state={state}")
    assert (page.status, "code" in page.back, "state" in page.back) == (302, True, True)
    assert "x" not in browser.cookies
