"""The journal, the counts, the clock, and starting afresh."""

from datetime import timedelta
from typing import Annotated

import msgspec
from aiohttp import web

from infra.sandbox.control.http import answer, read
from infra.sandbox.world import WORLD

__all__ = ["routes"]


class _Advance(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    advance_seconds: Annotated[float, msgspec.Meta(ge=0, le=10 * 366 * 86400)]


def routes() -> list[web.RouteDef]:
    return [
        web.get("/control/requests", _requests),
        web.delete("/control/requests", _forget_requests),
        web.get("/control/stats", _stats),
        web.post("/control/clock", _clock),
        web.post("/control/reset", _reset),
        web.get("/healthz", _health),
    ]


async def _requests(request: web.Request) -> web.Response:
    query = request.query
    email = query.get("email")
    entries = request.app[WORLD].journal.select(
        service=query.get("service"), operation=query.get("operation"), email=email.lower() if email else None
    )
    return answer(200, {"requests": entries})


async def _forget_requests(request: web.Request) -> web.Response:
    request.app[WORLD].journal.clear()
    return web.Response(status=204)


async def _stats(request: web.Request) -> web.Response:
    world = request.app[WORLD]
    counts = [
        {"service": service, "operation": operation, "status": status, "count": count}
        for (service, operation, status), count in sorted(world.journal.counts.items())
    ]
    mailboxes = list(world.mailboxes)
    body = {
        "requests": counts,
        "standing": sum(len(mailbox.standing()) for mailbox in mailboxes),
        "duplicates": sum(mailbox.duplicates for mailbox in mailboxes),
        "notifications": sum(mailbox.notifications for mailbox in mailboxes),
        "max_concurrency": max((mailbox.max_in_flight for mailbox in mailboxes), default=0),
        "max_concurrency_by_mailbox": {f"{box.service}/{box.email}": box.max_in_flight for box in mailboxes},
    }
    return answer(200, body)


async def _clock(request: web.Request) -> web.Response:
    wanted, clock = await read(request, _Advance), request.app[WORLD].clock
    clock.advance(timedelta(seconds=wanted.advance_seconds))
    return answer(200, {"now": clock.now()})


async def _reset(request: web.Request) -> web.Response:
    request.app[WORLD].reset()
    return web.Response(status=204)


async def _health(request: web.Request) -> web.Response:
    return answer(200, {"status": "ok", "users": len(list(request.app[WORLD].mailboxes))})
