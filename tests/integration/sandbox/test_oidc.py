"""The sign-in provider, from discovery to sign-out."""

import base64
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest

from infra.sandbox.config import SandboxConfig
from tests.integration.sandbox.browser import Browser, Page, challenge_of, new_verifier
from tests.integration.sandbox.client import Client, Reply

CALLBACK = "http://127.0.0.1:8000/signin/callback"
ANA = "user_2002N4U3RRZ0FXB6"
VERIFIER = new_verifier()
BASIC = {"client_id": "sandbox-portal", "client_secret": "sandbox-portal-secret"}


@pytest.fixture
def browser(client: Client) -> Browser:
    return Browser(base_url=client.sandbox.base_url, http=client.http)


def asked(**more: str) -> dict[str, str]:
    usual = {
        "client_id": "sandbox-portal",
        "response_type": "code",
        "redirect_uri": CALLBACK,
        "scope": "openid email profile",
        "state": "st&te",
        "nonce": "n-1",
        "code_challenge": challenge_of(VERIFIER),
        "code_challenge_method": "S256",
    }
    return {name: value for name, value in (usual | more).items() if value}


async def code_for(browser: Browser, **more: str) -> str:
    page = await browser.get("/oidc/authorize", asked(login_hint=ANA, **more))
    return page.back["code"]


async def redeem(client: Client, code: str, *, basic: bool = False, **more: str) -> Reply:
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    form |= ({} if basic else BASIC) | more
    headers = {"Authorization": "Basic " + base64.b64encode(b"sandbox-portal:sandbox-portal-secret").decode()} if basic else {}
    return await client.ask("POST", "/oidc/token", data={name: value for name, value in form.items() if value}, headers=headers)


async def claims(client: Client, reply: Reply, **more: Any) -> dict[str, Any]:
    """The id token's, with everything checked that a client has to check."""
    assert reply.status == 200, reply.body
    configuration = (await client.ask("GET", "/oidc/.well-known/openid-configuration")).body
    keys = jwt.PyJWKSet.from_dict((await client.ask("GET", configuration["jwks_uri"].removeprefix(client.sandbox.base_url))).body)
    token = reply.body["id_token"]
    key = keys[jwt.get_unverified_header(token)["kid"]]
    required = ["iss", "aud", "exp", "iat", "sub"]
    found: dict[str, Any] = jwt.decode(
        token, key, algorithms=["RS256"], audience="sandbox-portal", issuer=configuration["issuer"], options={"require": required}, **more
    )
    return found


async def test_a_person_signs_in_on_the_page_and_the_id_token_says_who(client: Client, browser: Browser) -> None:
    page = await browser.get("/oidc/authorize", asked())
    assert page.status == 200
    assert "Ana Ruiz" in page.text
    assert "Simulated" in page.text
    assert ANA in page.choices
    back = await browser.press(page, account=ANA)
    assert (back.status, back.landing, back.back["state"]) == (302, CALLBACK, "st&te")
    found = await claims(client, await redeem(client, back.back["code"]))
    assert found["iss"] == f"{client.sandbox.base_url}/oidc"
    assert (found["sub"], found["email"], found["name"], found["nonce"]) == (ANA, "ana@impact.example", "Ana Ruiz", "n-1")
    assert found["cognito:groups"] == ["providers"]
    assert found["exp"] - found["iat"] == 3600


async def test_the_discovery_document_names_addresses_that_answer(client: Client) -> None:
    found = (await client.ask("GET", "/oidc/.well-known/openid-configuration")).body
    issuer = f"{client.sandbox.base_url}/oidc"
    assert found["issuer"] == issuer == client.sandbox.env()["IMPACT_OIDC_ISSUER"]
    assert found["code_challenge_methods_supported"] == ["S256"]
    for name in ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "end_session_endpoint", "jwks_uri"):
        method = "POST" if name == "token_endpoint" else "GET"
        reply = await client.ask(method, found[name].removeprefix(client.sandbox.base_url))
        assert reply.status != 404, name


async def test_both_ways_of_client_authentication_work(client: Client, browser: Browser) -> None:
    by_header = await redeem(client, await code_for(browser), basic=True)
    assert by_header.status == 200
    assert (await redeem(client, await code_for(browser))).status == 200


async def test_the_browser_stays_signed_in_until_the_sign_out(client: Client, browser: Browser) -> None:
    await code_for(browser)
    again = await browser.get("/oidc/authorize", asked())
    found = await claims(client, await redeem(client, again.back["code"]))
    assert found["sub"] == ANA
    assert (await browser.get("/oidc/authorize", asked(prompt="login"))).status == 200
    landing = "http://127.0.0.1:8000/signed-out"
    out = await browser.get("/oidc/logout", {"client_id": "sandbox-portal", "post_logout_redirect_uri": landing, "state": "bye"})
    assert (out.status, out.location) == (302, f"{landing}?state=bye")
    assert (await browser.get("/oidc/authorize", asked())).status == 200
    assert (await browser.get("/oidc/authorize", asked(prompt="none"))).back["error"] == "login_required"


async def test_a_stolen_session_id_is_dead_after_the_sign_out(browser: Browser) -> None:
    await code_for(browser)
    stolen = dict(browser.cookies)
    await browser.get("/oidc/logout")
    browser.cookies = stolen
    assert (await browser.get("/oidc/authorize", asked())).status == 200


async def test_max_age_asks_again(client: Client, browser: Browser) -> None:
    await code_for(browser)
    await client.ask("POST", "/control/clock", {"advance_seconds": 61})
    assert (await browser.get("/oidc/authorize", asked(max_age="60"))).status == 200
    assert (await browser.get("/oidc/authorize", asked(max_age="90"))).status == 302


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


async def test_a_request_without_state_or_nonce_comes_back_without_them(client: Client, browser: Browser) -> None:
    page = await browser.get("/oidc/authorize", asked(login_hint=ANA, state="", nonce=""))
    assert set(page.back) == {"code"}
    assert "nonce" not in await claims(client, await redeem(client, page.back["code"]))


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


async def test_userinfo_follows_the_scope_and_the_tokens_life(client: Client, browser: Browser) -> None:
    reply = await redeem(client, await code_for(browser, scope="openid"))
    bearer = {"Authorization": f"Bearer {reply.body['access_token']}"}
    body = (await client.ask("GET", "/oidc/userinfo", headers=bearer)).body
    assert (body["sub"], "email" in body, "name" in body) == (ANA, False, False)
    await client.ask("POST", "/control/clock", {"advance_seconds": 3600})
    assert (await client.ask("GET", "/oidc/userinfo", headers=bearer)).status == 401


async def test_people_can_be_added_and_removed(client: Client, browser: Browser) -> None:
    person = {"sub": "p-7", "email": "Dee@impact.example", "name": "Dee", "groups": ["administrators", "providers"]}
    assert (await client.ask("POST", "/control/people", person)).status == 201
    page = await browser.get("/oidc/authorize", asked(login_hint="dee@impact.example"))
    found = await claims(client, await redeem(client, page.back["code"]))
    assert (found["sub"], found["cognito:groups"]) == ("p-7", ["administrators", "providers"])
    assert (await client.ask("DELETE", "/control/people/p-7")).status == 204
    page = await browser.get("/oidc/authorize", asked(login_hint="p-7"))
    assert (page.status, "p-7" in page.choices) == (200, False)


async def test_new_keys_sign_and_the_old_ones_still_verify(client: Client, browser: Browser) -> None:
    before = await redeem(client, await code_for(browser))
    await client.ask("POST", "/control/oidc/keys")
    after = await redeem(client, await code_for(browser))
    kids = {jwt.get_unverified_header(reply.body["id_token"])["kid"] for reply in (before, after)}
    assert len(kids) == 2
    assert (await claims(client, before))["sub"] == (await claims(client, after))["sub"]


async def test_another_portal_can_be_registered(client: Client, browser: Browser) -> None:
    callback = "http://127.0.0.1:9123/signin/callback"
    assert (await browser.get("/oidc/authorize", asked(redirect_uri=callback))).status == 400
    assert (await client.ask("POST", "/control/portals", {"url": "http://127.0.0.1:9123"})).status == 201
    assert (await browser.get("/oidc/authorize", asked(redirect_uri=callback))).status == 200
    assert (await browser.get("/oidc/authorize", asked(redirect_uri=callback.replace("127.0.0.1", "localhost")))).status == 200


async def test_the_configuration_names_the_portal(launch: Any) -> None:
    client = await launch(SandboxConfig(portal_url="https://portal.example", oidc_client_id="c", oidc_client_secret="s"))
    env = client.sandbox.env()
    assert (env["IMPACT_OIDC_CLIENT_ID"], env["IMPACT_OIDC_CLIENT_SECRET"], env["IMPACT_PORTAL_URL"]) == (
        "c",
        "s",
        "https://portal.example",
    )
    browser = Browser(base_url=client.sandbox.base_url, http=client.http)
    page: Page = await browser.get("/oidc/authorize", asked(client_id="c", redirect_uri="https://portal.example/signin/callback"))
    assert page.status == 200


async def test_an_ordered_outage_reaches_the_sign_in(client: Client, browser: Browser) -> None:
    await client.fault(service="oidc", kind="status", operation="token", status=503, times=1)
    code = await code_for(browser)
    assert (await redeem(client, code)).status == 503
    assert (await redeem(client, code)).status == 200


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
