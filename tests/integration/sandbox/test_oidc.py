"""The sign-in provider, from discovery to sign-out."""

from typing import Any

import jwt
import pytest

from infra.sandbox.config import SandboxConfig
from tests.integration.sandbox.browser import Browser, Page
from tests.integration.sandbox.client import Client
from tests.integration.sandbox.signing_in import ANA, CALLBACK, asked, claims, code_for, redeem


@pytest.fixture
def browser(client: Client) -> Browser:
    return Browser(base_url=client.sandbox.base_url, http=client.http)


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


async def test_max_age_asks_again(client: Client, browser: Browser) -> None:
    await code_for(browser)
    await client.ask("POST", "/control/clock", {"advance_seconds": 61})
    assert (await browser.get("/oidc/authorize", asked(max_age="60"))).status == 200
    assert (await browser.get("/oidc/authorize", asked(max_age="90"))).status == 302


async def test_a_request_without_state_or_nonce_comes_back_without_them(client: Client, browser: Browser) -> None:
    page = await browser.get("/oidc/authorize", asked(login_hint=ANA, state="", nonce=""))
    assert set(page.back) == {"code"}
    assert "nonce" not in await claims(client, await redeem(client, page.back["code"]))


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
