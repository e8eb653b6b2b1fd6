"""The identity platform's v2.0 token endpoint: a code, or a refresh token with rotation.

Sources: learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow (refresh: a new refresh token each time, the old one is
not revoked by its use) and .../refresh-tokens (90 days).
"""

from collections.abc import Mapping

from aiohttp import web

from infra.sandbox.answers import Answer, json_answer
from infra.sandbox.config import MICROSOFT
from infra.sandbox.forms import read_form
from infra.sandbox.gate import Call, pass_gate
from infra.sandbox.grants import Grant
from infra.sandbox.microsoft.aadsts import fault_answer, refuse
from infra.sandbox.microsoft.client_auth import authenticate
from infra.sandbox.microsoft.code_grant import redeem
from infra.sandbox.microsoft.issue import tokens
from infra.sandbox.microsoft.permissions import OIDC_SCOPES, short
from infra.sandbox.world import WORLD, World

__all__ = ["routes"]


def routes() -> list[web.RouteDef]:
    return [web.post("/{tenant}/oauth2/v2.0/token", _token)]


async def _token(request: web.Request) -> web.StreamResponse:
    world = request.app[WORLD]
    form = await read_form(request)
    fields = {name: value for name, value in form.items() if isinstance(value, str)}
    known = world.grants[MICROSOFT].refresh_token(fields.get("refresh_token", ""))
    code = world.codes[MICROSOFT].look(fields.get("code", ""))
    email = known.grant.email if known else code.subject if code else None
    call = Call(service=MICROSOFT, operation="token", email=email, mailbox=None, fault_answer=fault_answer)
    return await pass_gate(world, request, call, lambda: _grant(world, request, fields))


def _grant(world: World, request: web.Request, fields: Mapping[str, str]) -> Answer:
    client_id = authenticate(world, request, fields)
    match fields.get("grant_type"):
        case "authorization_code":
            return redeem(world, request, client_id, fields)
        case "refresh_token":
            return _refresh(world, client_id, fields)
        case _:
            raise refuse(400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type.")


def _refresh(world: World, client_id: str, fields: Mapping[str, str]) -> Answer:
    if not fields.get("refresh_token"):
        raise refuse(400, "invalid_request", 900144, "The request body must contain the parameter: 'refresh_token'.")
    book, now = world.grants[MICROSOFT], world.clock.now()
    token = book.refresh_token(fields["refresh_token"])
    if token is None or token.grant.client_id != client_id:
        raise refuse(400, "invalid_grant", 70000, "The provided value for the 'refresh_token' parameter is not valid.")
    if not token.grant.alive:
        raise refuse(400, "invalid_grant", 50173, "The provided grant has expired due to it being revoked.")
    if token.expires_at is not None and now >= token.expires_at:
        raise refuse(400, "invalid_grant", 700082, "The refresh token has expired due to inactivity.")
    if not _consented(token.grant, fields.get("scope", "")):
        text = "The user or administrator has not consented to use the application."
        raise refuse(400, "invalid_grant", 65001, text, suberror="consent_required")
    return json_answer(200, tokens(world, token.grant, fields, now), headers={"Cache-Control": "no-store"})


def _consented(grant: Grant, asked: str) -> bool:
    held = {short(scope) for scope in grant.scopes}
    return {short(scope) for scope in asked.split()} - OIDC_SCOPES <= held | {".default"}
