"""The userinfo endpoint (OpenID Connect Core section 5.3), and signing out (RP-Initiated Logout, and Cognito's `logout_uri`)."""

from collections.abc import Mapping

from aiohttp import web

from infra.sandbox.answers import Answer, json_answer
from infra.sandbox.authorization import error_page, lead_back, page
from infra.sandbox.config import OIDC
from infra.sandbox.forms import read_form
from infra.sandbox.gate import Call, pass_gate
from infra.sandbox.oidc.authorize import COOKIE
from infra.sandbox.oidc.claims import claims_of
from infra.sandbox.oidc.discovery import issuer
from infra.sandbox.oidc.errors import fault_answer, refuse
from infra.sandbox.pages.dialog import dialog
from infra.sandbox.redirects import SIGNED_OUT
from infra.sandbox.world import WORLD, World

__all__ = ["routes"]

_FORGET = {"Set-Cookie": f"{COOKIE}=; Path=/oidc; Max-Age=0; HttpOnly; SameSite=Lax"}


def routes() -> list[web.RouteDef]:
    return [
        web.get("/oidc/userinfo", _userinfo),
        web.post("/oidc/userinfo", _userinfo),
        web.get("/oidc/logout", _logout),
        web.post("/oidc/logout", _logout),
    ]


async def _userinfo(request: web.Request) -> web.StreamResponse:
    world = request.app[WORLD]
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")

    def work() -> Answer:
        access = world.oidc.access(value, world.clock.now()) if scheme == "Bearer" else None
        person = world.oidc.people.get(access.sub) if access else None
        if access is None or person is None:
            raise refuse(401, "invalid_token", "The access token is missing, expired or revoked.", scheme="Bearer")
        return json_answer(200, claims_of(person, access.scopes), headers={"Cache-Control": "no-store"})

    call = Call(service=OIDC, operation="get", email=None, mailbox=None, fault_answer=fault_answer)
    return await pass_gate(world, request, call, work)


async def _logout(request: web.Request) -> web.StreamResponse:
    world, body = request.app[WORLD], await read_form(request)
    fields = {**request.query, **{name: value for name, value in body.items() if isinstance(value, str)}}
    call = Call(service=OIDC, operation="revoke", email=None, mailbox=None, fault_answer=fault_answer)
    return await pass_gate(world, request, call, lambda: _sign_out(world, request, fields))


def _sign_out(world: World, request: web.Request, fields: Mapping[str, str]) -> Answer:
    """The browser is signed out whatever the address; it is led on to a registered one only."""
    world.oidc.sign_out(request.cookies.get(COOKIE, ""))
    address = fields.get("post_logout_redirect_uri") or fields.get("logout_uri")
    if not address:
        return page(dialog("Signed out", OIDC, "<h1>You are signed out</h1><p>You can close this page.</p>"), headers=_FORGET)
    if _client(world, request, fields) != world.config.oidc_client_id:
        raise error_page(OIDC, "invalid_request", "Neither client_id nor id_token_hint names the client.")
    if not world.redirects.allows(SIGNED_OUT, address):
        raise error_page(OIDC, "redirect_mismatch", "The address is not registered for after the sign-out.")
    back = lead_back(address, [("state", fields.get("state"))])
    return Answer(status=back.status, headers={**back.headers, **_FORGET})


def _client(world: World, request: web.Request, fields: Mapping[str, str]) -> str | None:
    """A hint has to be a token that was signed here; one that has expired will do."""
    hint, named = fields.get("id_token_hint"), fields.get("client_id")
    if not hint:
        return named
    claims = world.oidc.keys.verify(hint, issuer(request)) or {}
    audience = claims.get("aud")
    return audience if isinstance(audience, str) and named in (None, "", audience) else None
