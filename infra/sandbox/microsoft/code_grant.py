"""The authorization_code grant of the identity platform's token endpoint, and its id token.

Sources: learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow and .../id-token-claims-reference.
"""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from aiohttp import web

from infra.sandbox.accounts import Account
from infra.sandbox.answers import Answer, json_answer
from infra.sandbox.codes import Code, proves
from infra.sandbox.config import MICROSOFT
from infra.sandbox.microsoft.aadsts import refuse
from infra.sandbox.microsoft.audience import admits
from infra.sandbox.microsoft.issue import account_of, tokens
from infra.sandbox.microsoft.permissions import OIDC_SCOPES, short
from infra.sandbox.world import World

__all__ = ["redeem"]

_GONE = {
    "unknown": (70000, "The provided value for the 'code' parameter is not valid."),
    "used": (54005, "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token."),
    "expired": (70008, "The provided authorization code or refresh token has expired due to inactivity."),
}


def redeem(world: World, request: web.Request, client_id: str, fields: Mapping[str, str]) -> Answer:
    """Raises Refusal. The client is authenticated already."""
    now = world.clock.now()
    code = _checked(world, client_id, fields, now)
    account = account_of(world, code.subject)
    if not admits(world, request.match_info["tenant"], account):
        text = "Provided Authorization Code is intended to use against other tenant, thus rejected."
        raise refuse(400, "invalid_grant", 700005, text)
    grant = world.grants[MICROSOFT].grant(code.subject, client_id, code.scopes, from_page=True)
    body = tokens(world, grant, fields, now)
    if "openid" in code.scopes:
        body["id_token"] = world.keys[MICROSOFT].sign(_claims(request, code, account, now))
    return json_answer(200, body, headers={"Cache-Control": "no-store"})


def _checked(world: World, client_id: str, fields: Mapping[str, str], now: datetime) -> Code:
    for name in ("code", "redirect_uri"):
        if not fields.get(name):
            raise refuse(400, "invalid_request", 900144, f"The request body must contain the following parameter: '{name}'.")
    code = world.codes[MICROSOFT].redeem(fields["code"], client_id, now)
    if not isinstance(code, Code):
        raise refuse(400, "invalid_grant", *_GONE[code])
    if fields["redirect_uri"] != code.redirect_uri:
        text = "The reply address does not match the reply address provided when requesting Authorization code."
        raise refuse(400, "invalid_client", 500112, text)
    verifier = fields.get("code_verifier") or None
    if not proves(code.challenge, verifier):
        number = 501481 if verifier else 50148
        raise refuse(400, "invalid_grant", number, "The Code_Verifier does not match the code_challenge supplied in the request.")
    if not {short(scope) for scope in fields.get("scope", "").split()} <= OIDC_SCOPES | {short(scope) for scope in code.scopes}:
        raise refuse(400, "invalid_grant", 65001, "The user or administrator has not consented to that scope.", suberror="consent_required")
    return code


def _claims(request: web.Request, code: Code, account: Account, now: datetime) -> dict[str, Any]:
    seconds = int(now.timestamp())
    claims: dict[str, Any] = {
        "ver": "2.0",
        "iss": f"{request.url.origin()}/{account.tenant_id}/v2.0",
        "aud": code.client_id,
        "sub": str(uuid.uuid5(uuid.UUID(account.object_id), code.client_id)),
        "oid": account.object_id,
        "tid": account.tenant_id,
        "iat": seconds,
        "nbf": seconds,
        "exp": seconds + 3600,
    }
    if "profile" in code.scopes:
        claims |= {"name": account.name, "preferred_username": account.login}
    if "email" in code.scopes and account.has_mail:
        claims["email"] = account.email
    if code.nonce is not None:
        claims["nonce"] = code.nonce
    return claims
