"""Running the sandbox: inside a test (`serve`) or as a process of its own (`run`)."""

import asyncio
import signal
from collections.abc import Callable

import uvloop
from aiohttp import web

from infra.sandbox.app import create_app
from infra.sandbox.config import SandboxConfig

__all__ = ["RunningSandbox", "run", "serve"]

LOOPBACK = "127.0.0.1"


class RunningSandbox:
    """`base_url` has no slash at its end. `close` cuts what is still under way."""

    def __init__(self, runner: web.AppRunner, host: str, port: int, config: SandboxConfig) -> None:
        self._runner = runner
        self.port = port
        self.config = config
        self.base_url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def env(self) -> dict[str, str]:
        """The settings that point the product here."""
        return self.config.env(self.base_url)

    async def close(self) -> None:
        await self._runner.cleanup()


async def serve(host: str = LOOPBACK, port: int = 0, config: SandboxConfig | None = None) -> RunningSandbox:
    """Listen on `port` (0 = a free one). Raises OSError when it cannot."""
    config = config or SandboxConfig()
    runner = web.AppRunner(create_app(config), access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    site = web.TCPSite(runner, host, port, backlog=1024)
    try:
        await site.start()
    except OSError:
        await runner.cleanup()
        raise
    return RunningSandbox(runner, host, runner.addresses[0][1], config)


def run(
    host: str = LOOPBACK,
    port: int = 0,
    config: SandboxConfig | None = None,
    *,
    on_ready: Callable[[RunningSandbox], None] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT, then return. `on_ready` is told once when it listens. Raises OSError when it cannot."""
    uvloop.run(_serve_until_signal(host, port, config, on_ready))


async def _serve_until_signal(
    host: str, port: int, config: SandboxConfig | None, on_ready: Callable[[RunningSandbox], None] | None
) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    sandbox = await serve(host, port, config)
    try:
        if on_ready is not None:
            on_ready(sandbox)
        await stop.wait()
    finally:
        await sandbox.close()
