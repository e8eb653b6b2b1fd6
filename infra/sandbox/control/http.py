"""Reading control requests and answering them."""

from typing import Any, TypeVar

import msgspec
from aiohttp import web

from infra.sandbox.config import SERVICES
from infra.sandbox.mailboxes import Mailbox
from infra.sandbox.world import WORLD

__all__ = ["answer", "mailbox_of", "problem", "read"]

T = TypeVar("T", bound=msgspec.Struct)
_encode = msgspec.json.Encoder().encode


def answer(status: int, body: Any) -> web.Response:
    return web.Response(status=status, body=_encode(body), content_type="application/json")


def problem(status: int, text: str) -> web.HTTPException:
    """To raise: `{"error": text}`."""
    exceptions: dict[int, type[web.HTTPException]] = {400: web.HTTPBadRequest, 404: web.HTTPNotFound}
    return exceptions[status](text=_encode({"error": text}).decode(), content_type="application/json")


async def read(request: web.Request, kind: type[T]) -> T:
    """The request's body. Raises HTTPBadRequest that names the field."""
    try:
        return msgspec.json.decode(await request.read(), type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise problem(400, str(error)) from None


def mailbox_of(request: web.Request) -> Mailbox:
    service, email = request.match_info["service"], request.match_info["email"].lower()
    if service not in SERVICES:
        raise problem(404, f"no such service: {service[:40]!r}")
    mailbox = request.app[WORLD].mailboxes.get(service, email)
    if mailbox is None:
        raise problem(404, f"no such {service} user")
    return mailbox
