"""Requests to the sign-in provider, and the checks that its clients make."""

import base64
from typing import Any

import jwt

from tests.integration.sandbox.browser import Browser, challenge_of, new_verifier
from tests.integration.sandbox.client import Client, Reply

__all__ = ["ANA", "CALLBACK", "VERIFIER", "asked", "claims", "code_for", "redeem"]

CALLBACK = "http://127.0.0.1:8000/signin/callback"
ANA = "user_2002N4U3RRZ0FXB6"
VERIFIER = new_verifier()
BASIC = {"client_id": "sandbox-portal", "client_secret": "sandbox-portal-secret"}


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
