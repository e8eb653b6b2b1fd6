"""The identity platform's v2.0 token endpoint (refresh_token grant, with rotation) and its discovery document.

Sources: learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow (refresh: a new refresh token each time, the old one is
not revoked by its use) and .../refresh-tokens (90 days); the AADSTS numbers from .../reference-error-codes.
"""

import base64
import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime

from aiohttp import web

from infra.sandbox.answers import Answer, json_answer
from infra.sandbox.basic_auth import client_of
from infra.sandbox.config import MICROSOFT
from infra.sandbox.faults import FaultOrder, retry_headers
from infra.sandbox.gate import Call, pass_gate
from infra.sandbox.grants import Grant
from infra.sandbox.world import WORLD, World

__all__ = ["routes"]

_USUAL_ERROR = {400: "invalid_grant", 401: "invalid_client", 403: "access_denied", 429: "temporarily_unavailable"}
_RESOURCE = "https://graph.microsoft.com/"
#: Not permissions of Graph: asked for beside them, and always allowed.
_OIDC = frozenset({"openid", "profile", "email", "offline_access"})
#: learn.microsoft.com/entra/identity-platform/id-token-claims-reference: the tenant of personal accounts.
_TENANT = "9188040d-6c67-4c5b-b112-36a304b66dad"


def routes() -> list[web.RouteDef]:
    return [
        web.post("/{tenant}/oauth2/v2.0/token", _token),
        web.get("/{tenant}/v2.0/.well-known/openid-configuration", _discovery),
    ]


async def _token(request: web.Request) -> web.StreamResponse:
    world = request.app[WORLD]
    form = await request.post()
    fields = {name: value for name, value in form.items() if isinstance(value, str)}
    known = world.grants[MICROSOFT].refresh_token(fields.get("refresh_token", ""))
    call = Call(
        service=MICROSOFT,
        operation="token",
        email=known.grant.email if known else None,
        mailbox=None,
        fault_answer=_fault_answer,
    )
    return await pass_gate(world, request, call, lambda: _grant(world, request, fields))


def _grant(world: World, request: web.Request, fields: Mapping[str, str]) -> Answer:
    client_id, secret = client_of(request.headers.get("Authorization"), fields)
    expected = world.config.secret_of(client_id)
    if expected is None:
        return _error(400, "unauthorized_client", 700016, "Application was not found in the directory.")
    if secret != expected:
        return _error(401, "invalid_client", 7000215, "Invalid client secret provided.")
    if fields.get("grant_type") != "refresh_token":
        return _error(400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type.")
    if not fields.get("refresh_token"):
        return _error(400, "invalid_request", 900144, "The request body must contain the parameter: 'refresh_token'.")
    book, now = world.grants[MICROSOFT], world.clock.now()
    token = book.refresh_token(fields["refresh_token"])
    if token is None or token.grant.client_id != client_id:
        return _error(400, "invalid_grant", 70000, "The provided value for the 'refresh_token' parameter is not valid.")
    if not token.grant.alive:
        return _error(400, "invalid_grant", 50173, "The provided grant has expired due to it being revoked.")
    if token.expires_at is not None and now >= token.expires_at:
        return _error(400, "invalid_grant", 700082, "The refresh token has expired due to inactivity.")
    if not _consented(token.grant, fields.get("scope", "")):
        text = "The user or administrator has not consented to use the application."
        return _error(400, "invalid_grant", 65001, text, suberror="consent_required")
    return _issue(world, token.grant, fields, now)


def _issue(world: World, grant: Grant, fields: Mapping[str, str], now: datetime) -> Answer:
    book, lifetime = world.grants[MICROSOFT], world.config.access_token_lifetime
    access = book.issue_access(grant, expires_at=now + lifetime)
    granted = [_full(scope) for scope in grant.scope_text.split() if scope != "offline_access"]
    body: dict[str, object] = {
        "token_type": "Bearer",
        "scope": " ".join(granted),
        "expires_in": int(lifetime.total_seconds()),
        "ext_expires_in": int(lifetime.total_seconds()),
        "access_token": access.value,
    }
    if "offline_access" in grant.scopes:
        expires_at = now + world.config.microsoft_refresh_token_lifetime
        body["refresh_token"] = book.issue_refresh(grant, expires_at=expires_at).value
    if fields.get("client_info") == "1":
        who = {"uid": str(uuid.uuid5(uuid.NAMESPACE_URL, grant.email)), "utid": _TENANT}
        body["client_info"] = base64.urlsafe_b64encode(json.dumps(who).encode()).decode().rstrip("=")
    return json_answer(200, body, headers={"Cache-Control": "no-store"})


def _full(scope: str) -> str:
    return scope if scope in _OIDC or scope.startswith("https://") else _RESOURCE + scope


def _consented(grant: Grant, asked: str) -> bool:
    held = {scope.removeprefix(_RESOURCE).lower() for scope in grant.scopes}
    wanted = {scope.removeprefix(_RESOURCE).lower() for scope in asked.split()}
    return wanted - _OIDC <= held | {".default"}


def _fault_answer(fault: FaultOrder) -> Answer:
    status = fault.status or 503
    return _error(
        status, fault.reason or _USUAL_ERROR.get(status, "temporarily_unavailable"), 90033, "Simulated.", headers=retry_headers(fault)
    )


def _error(
    status: int, code: str, number: int, text: str, *, suberror: str | None = None, headers: Mapping[str, str] | None = None
) -> Answer:
    trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
    stamp = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    body: dict[str, object] = {
        "error": code,
        "error_description": f"AADSTS{number}: {text} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {stamp}",
        "error_codes": [number],
        "timestamp": stamp,
        "trace_id": trace,
        "correlation_id": correlation,
        "error_uri": f"https://login.microsoftonline.com/error?code={number}",
    }
    if suberror is not None:
        body["suberror"] = suberror
    return json_answer(status, body, headers=headers or {})


async def _discovery(request: web.Request) -> web.Response:
    authority = f"{request.url.origin()}/{request.match_info['tenant']}"
    return web.json_response(
        {
            "issuer": f"{authority}/v2.0",
            "authorization_endpoint": f"{authority}/oauth2/v2.0/authorize",
            "token_endpoint": f"{authority}/oauth2/v2.0/token",
            "jwks_uri": f"{authority}/discovery/v2.0/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
            "response_types_supported": ["code"],
            "response_modes_supported": ["query", "form_post"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }
    )
