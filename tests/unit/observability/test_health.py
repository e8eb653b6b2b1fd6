"""/metrics and /healthz over HTTP."""

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest

from streams.engine.health import Health, HealthServer, MetricsPortError
from streams.metrics import make_metrics
from tests.support.ports import free_port


@asynccontextmanager
async def asking(liveness: Callable[[], Health]) -> AsyncIterator[aiohttp.ClientSession]:
    port = free_port()
    server = HealthServer(port=port, registry=make_metrics().registry, liveness=liveness, host="127.0.0.1")
    async with server, aiohttp.ClientSession(base_url=f"http://127.0.0.1:{port}") as session:
        yield session


async def test_metrics_are_served_as_prometheus_text() -> None:
    async with asking(lambda: Health(ok=True)) as session, session.get("/metrics") as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("text/plain; version=")
        assert "impact_fold_intents_total 0.0" in await answer.text()


async def test_a_live_worker_answers_200_and_a_stalled_one_503_each_with_the_detail() -> None:
    health = Health(ok=True, detail={"lag": 3})
    async with asking(lambda: health) as session:
        async with session.get("/healthz") as answer:
            assert (answer.status, await answer.json()) == (200, {"ok": True, "lag": 3})
        health = Health(ok=False, detail={"lag": 9})
        async with session.get("/healthz") as answer:
            assert (answer.status, await answer.json()) == (503, {"ok": False, "lag": 9})


async def test_a_check_that_fails_is_no_sign_of_life() -> None:
    def broken() -> Health:
        raise KeyError("a value that stays here")

    async with asking(broken) as session, session.get("/healthz") as answer:
        assert (answer.status, await answer.json()) == (503, {"ok": False, "error": "KeyError"})


async def test_port_0_means_no_server() -> None:
    server = HealthServer(port=0, registry=make_metrics().registry, liveness=lambda: Health(ok=True))
    await server.start()
    assert server._runner is None
    await server.stop()


async def test_a_taken_port_is_an_error_at_the_start() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        server = HealthServer(
            port=taken.getsockname()[1], registry=make_metrics().registry, liveness=lambda: Health(ok=True), host="127.0.0.1"
        )
        with pytest.raises(MetricsPortError, match=r"in use.*IMPACT_METRICS_PORT"):
            await server.start()
