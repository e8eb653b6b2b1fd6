"""Google's OAuth2 endpoints: token (a code or a refresh token), keys and revoke. Errors as RFC 6749 section 5.2 has them."""

from collections.abc import Mapping

from aiohttp import web

from infra.sandbox.answers import Answer, json_answer
from infra.sandbox.basic_auth import client_of
from infra.sandbox.config import GOOGLE
from infra.sandbox.faults import FaultOrder, retry_headers
from infra.sandbox.forms import read_form
from infra.sandbox.gate import Call, pass_gate
from infra.sandbox.google.code_grant import issuer, redeem
from infra.sandbox.world import WORLD, World

__all__ = ["fault_answer", "routes"]

_USUAL_ERROR = {400: "invalid_grant", 401: "invalid_client", 403: "access_denied", 429: "rate_limit_exceeded"}


def routes() -> list[web.RouteDef]:
    return [
        web.post("/google/token", _token),
        web.post("/google/revoke", _revoke),
        web.get("/google/.well-known/openid-configuration", _configuration),
        web.get("/google/jwks", _jwks),
    ]


async def _token(request: web.Request) -> web.StreamResponse:
    world = request.app[WORLD]
    form = await read_form(request)
    fields = {name: value for name, value in form.items() if isinstance(value, str)}
    known = world.grants[GOOGLE].refresh_token(fields.get("refresh_token", ""))
    code = world.codes[GOOGLE].look(fields.get("code", ""))
    call = _call("token", known.grant.email if known else code.subject if code else None)
    return await pass_gate(world, request, call, lambda: _grant(world, request, fields))


async def _revoke(request: web.Request) -> web.StreamResponse:
    """Takes either token, in the form or the query, and kills the whole grant."""
    world, book = request.app[WORLD], request.app[WORLD].grants[GOOGLE]
    form = await read_form(request)
    value = str(form.get("token") or request.query.get("token") or "")
    token = book.refresh_token(value) or book.access_token(value)

    def work() -> Answer:
        if token is None or not token.grant.alive:
            return _error(400, "invalid_token", "Token expired or revoked")
        book.revoke(token.grant)
        return json_answer(200, {})

    return await pass_gate(world, request, _call("revoke", token.grant.email if token else None), work)


def _grant(world: World, request: web.Request, fields: Mapping[str, str]) -> Answer:
    client_id, secret = client_of(request.headers.get("Authorization"), fields)
    if world.config.secret_of(client_id) is None:
        return _error(401, "invalid_client", "The OAuth client was not found.")
    if world.config.secret_of(client_id) != secret:
        return _error(401, "invalid_client", "The provided client secret is invalid.")
    kind = fields.get("grant_type")
    if kind == "authorization_code":
        return redeem(world, request, client_id, fields)
    if kind != "refresh_token":
        return _error(400, "unsupported_grant_type", f"Invalid grant_type: {str(kind)[:40]}")
    if not fields.get("refresh_token"):
        return _error(400, "invalid_request", "Missing required parameter: refresh_token")
    book, now = world.grants[GOOGLE], world.clock.now()
    token = book.refresh_token(fields["refresh_token"])
    if token is None or not token.grant.alive:
        return _error(400, "invalid_grant", "Token has been expired or revoked.")
    if token.grant.client_id != client_id:
        return _error(400, "invalid_grant", "Bad Request")
    lifetime = world.config.access_token_lifetime
    access = book.issue_access(token.grant, expires_at=now + lifetime)
    body = {
        "access_token": access.value,
        "expires_in": max(0, int(lifetime.total_seconds()) - 1),
        "scope": token.grant.scope_text,
        "token_type": "Bearer",
    }
    return json_answer(200, body, headers={"Cache-Control": "no-store"})


def _call(operation: str, email: str | None) -> Call:
    return Call(service=GOOGLE, operation=operation, email=email, mailbox=None, fault_answer=fault_answer)


def fault_answer(fault: FaultOrder) -> Answer:
    status = fault.status or 503
    body = {"error": fault.reason or _USUAL_ERROR.get(status, "internal_failure"), "error_description": "Simulated."}
    return json_answer(status, body, headers=retry_headers(fault))


def _error(status: int, code: str, description: str) -> Answer:
    return json_answer(status, {"error": code, "error_description": description})


async def _configuration(request: web.Request) -> web.Response:
    base = issuer(request)
    return web.json_response(
        {
            "issuer": base,
            "authorization_endpoint": f"{base}/authorize",
            "token_endpoint": f"{base}/token",
            "revocation_endpoint": f"{base}/revoke",
            "jwks_uri": f"{base}/jwks",
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        }
    )


async def _jwks(request: web.Request) -> web.Response:
    return web.json_response(request.app[WORLD].keys[GOOGLE].jwk_set())
