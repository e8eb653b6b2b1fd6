"""What operators and their machines ask of a worker over HTTP: Prometheus text at /metrics, liveness at /healthz."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from streams.engine.listening import why_not

__all__ = ["Health", "HealthServer", "Liveness", "MetricsPortError", "StalledError"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Health:
    """`ok` False: the worker makes no progress and should be started anew. `detail`: plain JSON, no ids of people."""

    ok: bool
    detail: Mapping[str, Any] = field(default_factory=dict)


#: Answers from memory, at once; it has to look at real progress, not at whether the process is there.
Liveness = Callable[[], Health]


class StalledError(Exception):
    """Records stand in a partition that is being read, and none has been handed over for a long time: the consumer has to be made anew."""


class MetricsPortError(OSError):
    """The port cannot be listened on; the message names the setting."""


class HealthServer:
    """`port` 0: no server. Starts and stops as an async context manager; raises MetricsPortError when the port is taken."""

    def __init__(self, *, port: int, registry: CollectorRegistry, liveness: Liveness, host: str | None = None) -> None:
        """`host` None: every interface, since Prometheus and the orchestrator ask from elsewhere."""
        self._port = port
        self._host = host
        self._registry = registry
        self._liveness = liveness
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.stop()

    async def start(self) -> None:
        """Idempotent."""
        if self._port == 0 or self._runner is not None:
            return
        app = web.Application()
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/healthz", self._healthz)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, self._host, self._port).start()
        except BaseException as error:
            await runner.cleanup()
            if isinstance(error, OSError):
                problem = f"port {self._port} cannot be listened on: {why_not(error)}"
                raise MetricsPortError(f"{problem}. Set IMPACT_METRICS_PORT to one that is free, or to 0 for none") from None
            raise
        self._runner = runner

    async def stop(self) -> None:
        """Idempotent."""
        if self._runner is not None:
            runner, self._runner = self._runner, None
            await runner.cleanup()

    async def _metrics(self, _request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def _healthz(self, _request: web.Request) -> web.Response:
        try:
            health = self._liveness()
        except Exception as error:  # a check that fails is no sign of life
            log.exception("the liveness check itself failed")
            health = Health(ok=False, detail={"error": type(error).__name__})
        return web.json_response({"ok": health.ok, **health.detail}, status=200 if health.ok else 503)
