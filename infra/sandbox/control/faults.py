"""Ordering faults, looking at them and taking them away."""

from typing import Any

import msgspec
from aiohttp import web

from infra.sandbox.control.http import answer, problem, read
from infra.sandbox.faults import Fault, FaultOrder
from infra.sandbox.world import WORLD

__all__ = ["routes"]


def routes() -> list[web.RouteDef]:
    return [
        web.post("/control/faults", _add),
        web.get("/control/faults", _list),
        web.delete("/control/faults", _clear),
        web.delete("/control/faults/{id}", _remove),
    ]


async def _add(request: web.Request) -> web.Response:
    fault = request.app[WORLD].faults.add(await read(request, FaultOrder))
    return answer(201, {"id": fault.id})


async def _list(request: web.Request) -> web.Response:
    return answer(200, {"faults": [_shown(fault) for fault in request.app[WORLD].faults.all()]})


async def _clear(request: web.Request) -> web.Response:
    request.app[WORLD].faults.clear()
    return web.Response(status=204)


async def _remove(request: web.Request) -> web.Response:
    if not request.app[WORLD].faults.remove(request.match_info["id"]):
        raise problem(404, "no such fault")
    return web.Response(status=204)


def _shown(fault: Fault) -> dict[str, Any]:
    order: dict[str, Any] = msgspec.to_builtins(fault.order)
    return {"id": fault.id, **order, "hits": fault.hits, "spent": fault.spent}
