"""Who can sign in to the product, where its pages are, and new signing keys."""

from typing import Annotated

import msgspec
from aiohttp import web

from infra.sandbox.control.grants import Email
from infra.sandbox.control.http import answer, problem, read
from infra.sandbox.oidc.people import PROVIDERS, Person
from infra.sandbox.world import WORLD

__all__ = ["routes"]

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class _Person(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    sub: Name
    email: Email
    name: Name
    groups: tuple[str, ...] = (PROVIDERS,)


class _Portal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    url: Annotated[str, msgspec.Meta(pattern=r"^https?://[^/?#\s]+/?$")]


def routes() -> list[web.RouteDef]:
    return [
        web.get("/control/people", _list),
        web.post("/control/people", _put),
        web.delete("/control/people/{sub}", _remove),
        web.post("/control/portals", _add_portal),
        web.post("/control/oidc/keys", _rotate),
    ]


async def _list(request: web.Request) -> web.Response:
    return answer(200, {"people": request.app[WORLD].oidc.people.all()})


async def _put(request: web.Request) -> web.Response:
    wanted = await read(request, _Person)
    person = Person(sub=wanted.sub, email=wanted.email, name=wanted.name, groups=wanted.groups)
    request.app[WORLD].oidc.people.put(person)
    return answer(201, person)


async def _remove(request: web.Request) -> web.Response:
    if not request.app[WORLD].oidc.people.remove(request.match_info["sub"]):
        raise problem(404, "no such person")
    return web.Response(status=204)


async def _add_portal(request: web.Request) -> web.Response:
    wanted = await read(request, _Portal)
    request.app[WORLD].redirects.add(wanted.url)
    return answer(201, {"url": wanted.url})


async def _rotate(request: web.Request) -> web.Response:
    return answer(201, {"kid": request.app[WORLD].oidc.keys.rotate()})
