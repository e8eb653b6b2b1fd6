from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import aiohttp
import pytest

from infra.sandbox.config import SandboxConfig
from infra.sandbox.server import serve
from tests.integration.sandbox.client import Client

Launch = Callable[[SandboxConfig], Awaitable[Client]]


@pytest.fixture
async def launch() -> AsyncIterator[Launch]:
    """Starts sandboxes with a configuration of their own; they stop with the test."""
    async with AsyncExitStack() as stack:

        async def started(config: SandboxConfig) -> Client:
            sandbox = await serve(config=config)
            stack.push_async_callback(sandbox.close)
            http = await stack.enter_async_context(aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)))
            return Client(sandbox=sandbox, http=http)

        yield started


@pytest.fixture
async def client(launch: Launch) -> Client:
    return await launch(SandboxConfig())


@pytest.fixture
async def google(client: Client) -> Client:
    return await client.person("google")


@pytest.fixture
async def graph(client: Client) -> Client:
    return await client.person("microsoft")
