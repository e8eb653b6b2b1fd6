from collections.abc import AsyncIterator

import pytest

from schemas.connections import Service
from tests.contract.backends import Backend, FakeBackend
from tests.contract.sandbox_backend import SandboxBackend, sandbox_backend


@pytest.fixture(params=["fake-google", "fake-microsoft", "google", "microsoft"])
async def backend(request: pytest.FixtureRequest) -> AsyncIterator[Backend]:
    """Everything behind the ports, each with one connected mailbox that is empty."""
    kind, _, service = request.param.rpartition("-")
    if kind == "fake":
        yield FakeBackend(Service(service))
    else:
        async with sandbox_backend(Service(service)) as running:
            yield running


@pytest.fixture
async def google() -> AsyncIterator[SandboxBackend]:
    async with sandbox_backend(Service.GOOGLE) as running:
        yield running
