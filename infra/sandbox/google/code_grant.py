"""The authorization_code grant of Google's token endpoint, and the id token that comes with it.

Source: developers.google.com/identity/protocols/oauth2/web-server and .../openid-connect/openid-connect. Here the issuer is this sandbox's
`/google`, with a discovery document; Google's own is https://accounts.google.com.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from aiohttp import web

from infra.sandbox.answers import Answer, Refusal, json_answer
from infra.sandbox.codes import Code, proves
from infra.sandbox.config import GOOGLE
from infra.sandbox.google.scopes import EMAIL, PROFILE
from infra.sandbox.signing import left_half_hash
from infra.sandbox.world import World

__all__ = ["issuer", "redeem"]


def issuer(request: web.Request) -> str:
    return f"{request.url.origin()}/google"


def redeem(world: World, request: web.Request, client_id: str, fields: Mapping[str, str]) -> Answer:
    """Raises Refusal. The client is authenticated already."""
    code, now = _checked(world, client_id, fields), world.clock.now()
    world.mailboxes.of(GOOGLE, code.subject)
    book, lifetime = world.grants[GOOGLE], world.config.access_token_lifetime
    grant = book.grant(code.subject, client_id, code.scopes, from_page=True)
    access = book.issue_access(grant, expires_at=now + lifetime).value
    body: dict[str, Any] = {
        "access_token": access,
        "expires_in": max(0, int(lifetime.total_seconds()) - 1),
        "scope": grant.scope_text,
        "token_type": "Bearer",
    }
    if code.offline:
        body["refresh_token"] = book.issue_refresh(grant, expires_at=None).value
    if "openid" in code.scopes:
        body["id_token"] = world.keys[GOOGLE].sign(_claims(world, request, code, access, now))
    return json_answer(200, body, headers={"Cache-Control": "no-store"})


def _checked(world: World, client_id: str, fields: Mapping[str, str]) -> Code:
    if not fields.get("code"):
        raise _refuse("invalid_request", "Missing required parameter: code")
    code = world.codes[GOOGLE].redeem(fields["code"], client_id, world.clock.now())
    if not isinstance(code, Code):
        raise _refuse("invalid_grant", "Malformed auth code." if code == "unknown" else "Bad Request")
    if fields.get("redirect_uri") != code.redirect_uri:
        raise _refuse("redirect_uri_mismatch", "Bad Request")
    verifier = fields.get("code_verifier") or None
    if not proves(code.challenge, verifier):
        raise _refuse("invalid_grant", "Invalid code verifier." if verifier else "Missing code verifier.")
    return code


def _claims(world: World, request: web.Request, code: Code, access: str, now: datetime) -> dict[str, Any]:
    account = world.directory.account(GOOGLE, code.subject, world.mailboxes)
    claims: dict[str, Any] = {
        "iss": issuer(request),
        "azp": code.client_id,
        "aud": code.client_id,
        "sub": _subject(code.subject),
        "iat": int(now.timestamp()),
        "exp": int(now.timestamp()) + 3600,
        "at_hash": left_half_hash(access),
    }
    if EMAIL in code.scopes:
        claims |= {"email": code.subject, "email_verified": True}
    if PROFILE in code.scopes and account is not None:
        claims["name"] = account.name
    if code.nonce is not None:
        claims["nonce"] = code.nonce
    return claims


def _subject(email: str) -> str:
    """21 digits, as Google's are, the same each time."""
    return "1" + str(int(hashlib.sha256(email.encode()).hexdigest(), 16))[:20]


def _refuse(code: str, description: str) -> Refusal:
    return Refusal(json_answer(400, {"error": code, "error_description": description}))
