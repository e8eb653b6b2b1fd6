"""A client that may not send any more sends nothing, wherever a request was when that was decided."""

from datetime import timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from adapters.errors import ServiceFailing
from adapters.http import LeanClient
from schemas.connections import Service


class Door:
    """Open for as many questions as it is told."""

    def __init__(self) -> None:
        self.open = True
        self.seen: list[str] = []

    async def __call__(self, request: web.Request) -> web.Response:
        self.seen.append(f"{request.method} {(await request.read()).decode()}")
        return web.Response(text="done")


@pytest.mark.parametrize(("method", "body"), [("POST", b"one"), ("DELETE", None), ("PATCH", b"two")])
@pytest.mark.parametrize("kept_alive", [True, False])
async def test_nothing_is_sent_once_it_is_not_allowed(method: str, body: bytes | None, kept_alive: bool) -> None:
    door = Door()
    app = web.Application()
    app.router.add_route("*", "/", door)
    client = LeanClient(timeout=timedelta(seconds=5))
    client.only_if(lambda: door.open)
    async with TestServer(app) as server:
        url = str(server.make_url("/"))
        if kept_alive:
            assert (await client.send(Service.GOOGLE, "GET", url, headers={}, body=None)).body == b"done"
        seen = list(door.seen)
        door.open = False
        with pytest.raises(ServiceFailing) as failed:
            await client.send(Service.GOOGLE, method, url, headers={}, body=body)
        assert failed.value.code == "dropped"
        assert door.seen == seen
        door.open = True
        assert (await client.send(Service.GOOGLE, method, url, headers={}, body=body)).status == 200
        assert len(door.seen) == len(seen) + 1
        await client.close()
