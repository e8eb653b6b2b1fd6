"""The token endpoint: a code becomes an id token and an access token (OpenID Connect Core section 3.1.3). No refresh tokens."""

from collections.abc import Mapping
from datetime import datetime

from aiohttp import web

from infra.sandbox.answers import Answer, json_answer
from infra.sandbox.basic_auth import client_of
from infra.sandbox.codes import Code, proves
from infra.sandbox.config import OIDC
from infra.sandbox.forms import read_form
from infra.sandbox.gate import Call, pass_gate
from infra.sandbox.oidc.claims import claims_of
from infra.sandbox.oidc.discovery import issuer
from infra.sandbox.oidc.errors import fault_answer, refuse
from infra.sandbox.oidc.state import Access
from infra.sandbox.signing import left_half_hash
from infra.sandbox.world import WORLD, World

__all__ = ["routes"]


def routes() -> list[web.RouteDef]:
    return [web.post("/oidc/token", _token)]


async def _token(request: web.Request) -> web.StreamResponse:
    world, form = request.app[WORLD], await read_form(request)
    fields = {name: value for name, value in form.items() if isinstance(value, str)}
    call = Call(service=OIDC, operation="token", email=None, mailbox=None, fault_answer=fault_answer)
    repeated = len(fields) != len(form)
    return await pass_gate(world, request, call, lambda: _grant(world, request, fields, repeated=repeated))


def _grant(world: World, request: web.Request, fields: Mapping[str, str], *, repeated: bool) -> Answer:
    if repeated or request.content_type != "application/x-www-form-urlencoded":
        raise refuse(400, "invalid_request", "The body must be a form without repeated parameters.")
    _authenticate(world, request, fields)
    if fields.get("grant_type") != "authorization_code":
        raise refuse(400, "unsupported_grant_type" if fields.get("grant_type") else "invalid_request", "grant_type: authorization_code.")
    for name in ("code", "redirect_uri", "code_verifier"):
        if not fields.get(name):
            raise refuse(400, "invalid_request", f"{name} is missing.")
    now = world.clock.now()
    code = _redeem(world, fields, now)
    return json_answer(200, _tokens(world, request, code, fields["code"], now), headers={"Cache-Control": "no-store", "Pragma": "no-cache"})


def _authenticate(world: World, request: web.Request, fields: Mapping[str, str]) -> None:
    header, config = request.headers.get("Authorization"), world.config
    if header is not None and "client_secret" in fields:
        raise refuse(400, "invalid_request", "The client authenticates in two ways at once.")
    if client_of(header, fields) != (config.oidc_client_id, config.oidc_client_secret):
        raise refuse(401, "invalid_client", "Unknown client, or wrong secret.", scheme="Basic")
    if fields.get("client_id", config.oidc_client_id) != config.oidc_client_id:
        raise refuse(400, "invalid_request", "client_id is not the authenticated client's.")


def _redeem(world: World, fields: Mapping[str, str], now: datetime) -> Code:
    code = world.oidc.codes.redeem(fields["code"], world.config.oidc_client_id, now)
    if code == "used":
        world.oidc.revoke_code(fields["code"])
    if not isinstance(code, Code):
        raise refuse(400, "invalid_grant", f"The code is {code}.")
    if fields["redirect_uri"] != code.redirect_uri:
        raise refuse(400, "invalid_grant", "redirect_uri is not the one of the authorization request.")
    if not proves(code.challenge, fields["code_verifier"]):
        raise refuse(400, "invalid_grant", "code_verifier is not the challenge's.")
    return code


def _tokens(world: World, request: web.Request, code: Code, value: str, now: datetime) -> dict[str, object]:
    person, lifetime = world.oidc.people.get(code.subject), world.config.access_token_lifetime
    if person is None:
        raise refuse(400, "invalid_grant", "The person is gone.")
    access = world.oidc.issue_access(Access(sub=person.sub, scopes=code.scopes, expires_at=now + lifetime, code=value))
    claims = {
        "iss": issuer(request),
        "aud": code.client_id,
        "iat": int(now.timestamp()),
        "exp": int((now + lifetime).timestamp()),
        "auth_time": int(code.authenticated_at.timestamp()),
        "token_use": "id",
        "at_hash": left_half_hash(access),
        **claims_of(person, code.scopes),
    }
    if code.nonce is not None:
        claims["nonce"] = code.nonce
    return {
        "access_token": access,
        "id_token": world.oidc.keys.sign(claims),
        "token_type": "Bearer",
        "expires_in": int(lifetime.total_seconds()),
        "scope": " ".join(code.scopes),
    }
