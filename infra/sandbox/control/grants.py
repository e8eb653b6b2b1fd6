"""Making and revoking a user's grants, as consent and its withdrawal would."""

from typing import Annotated, Literal

import msgspec
from aiohttp import web

from infra.sandbox.config import GOOGLE, MICROSOFT
from infra.sandbox.control.http import answer, problem, read
from infra.sandbox.world import WORLD, World

__all__ = ["DEFAULT_SCOPES", "Email", "routes"]

Email = Annotated[str, msgspec.Meta(pattern=r"^[^@\s]+@[^@\s]+$", max_length=254)]

DEFAULT_SCOPES = {
    GOOGLE: (
        "openid",
        "https://www.googleapis.com/auth/userinfo.email",
        "https://www.googleapis.com/auth/calendar.events.owned",
    ),
    MICROSOFT: ("openid", "profile", "email", "offline_access", "User.Read", "Calendars.ReadWrite"),
}


class _Grant(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    service: Literal["google", "microsoft"]
    email: Email
    client_id: str | None = None
    scopes: tuple[str, ...] | None = None


class _Revocation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    service: Literal["google", "microsoft"]
    email: Email


def routes() -> list[web.RouteDef]:
    return [web.post("/control/grants", _make), web.post("/control/grants/revoke", _revoke)]


async def _make(request: web.Request) -> web.Response:
    world, wanted = request.app[WORLD], await read(request, _Grant)
    client_id = wanted.client_id or world.config.clients[0].client_id
    if world.config.secret_of(client_id) is None:
        raise problem(400, "client_id: no such client")
    email = wanted.email.lower()
    world.mailboxes.of(wanted.service, email)
    scopes = wanted.scopes if wanted.scopes is not None else DEFAULT_SCOPES[wanted.service]
    return answer(201, {"refresh_token": _issue(world, wanted.service, email, client_id, scopes), "scopes": scopes})


def _issue(world: World, service: str, email: str, client_id: str, scopes: tuple[str, ...]) -> str:
    expires_at = None
    if service == MICROSOFT:
        expires_at = world.clock.now() + world.config.microsoft_refresh_token_lifetime
    return world.grants[service].issue_grant(email, client_id, scopes, expires_at=expires_at).value


async def _revoke(request: web.Request) -> web.Response:
    wanted = await read(request, _Revocation)
    revoked = request.app[WORLD].grants[wanted.service].revoke_user(wanted.email.lower())
    return answer(200, {"revoked": revoked})
