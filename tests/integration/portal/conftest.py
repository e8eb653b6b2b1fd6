"""The portal in process beside a real sandbox: OpenID Connect, Google's and Microsoft's consent pages."""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import pytest
from starlette.applications import Starlette

from adapters.microsoft.client_credential import SecretCredential
from adapters.portal.app import create_portal
from adapters.portal.deps import GoogleApp, MicrosoftApp, PortalDeps
from infra.sandbox.config import SandboxConfig
from infra.sandbox.server import RunningSandbox, serve
from streams.portal_app import oidc_settings
from streams.portal_settings import PortalSettings
from tests.integration.portal.person import Person, new_person
from tests.support.portal import RING, SESSION_KEY, FakePublisher, FakeReadModel, TestClock

PORTAL = "http://127.0.0.1:8000"


@dataclass
class World:
    sandbox: RunningSandbox
    deps: PortalDeps
    read_model: FakeReadModel
    publisher: FakePublisher
    clock: TestClock
    app: Starlette
    people: list[Person] = field(default_factory=list)

    def person(self) -> Person:
        person = new_person(self.app, PORTAL)
        self.people.append(person)
        return person

    async def signed_in(self, who: str = "ana@impact.example") -> Person:
        person = self.person()
        await person.sign_in(who)
        return person


def deps_for(base: str, read_model: FakeReadModel, publisher: FakePublisher, clock: TestClock) -> PortalDeps:
    config = SandboxConfig()
    client = config.clients[0]
    return PortalDeps(
        public_url=PORTAL,
        session_keys=(SESSION_KEY,),
        oidc=oidc_settings(
            PortalSettings(oidc_issuer=f"{base}/oidc", oidc_client_id=config.oidc_client_id, oidc_client_secret=config.oidc_client_secret)
        ),
        read_model=read_model,
        publisher=publisher,
        ring=RING,
        google=GoogleApp(
            authorize_url=f"{base}/google/authorize",
            token_url=f"{base}/google/token",
            revoke_url=f"{base}/google/revoke",
            client_id=client.client_id,
            client_secret=client.client_secret,
        ),
        microsoft=MicrosoftApp(
            authority=f"{base}/common",
            graph_url=f"{base}/v1.0",
            client_id=client.client_id,
            credential=SecretCredential(client.client_secret),
        ),
        clock=clock,
    )


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as opened:
        yield opened


@pytest.fixture
async def world(stack: AsyncExitStack) -> World:
    sandbox = await serve()
    stack.push_async_callback(sandbox.close)
    read_model, clock = FakeReadModel(), TestClock()
    publisher = FakePublisher(apply_to=read_model)
    deps = deps_for(sandbox.base_url, read_model, publisher, clock)
    app = create_portal(deps)
    made = World(sandbox, deps, read_model, publisher, clock, app)

    async def close() -> None:
        for person in made.people:
            await person.http.aclose()
        await app.state.services.close()

    stack.push_async_callback(close)
    return made


@pytest.fixture
async def ana(world: World) -> Person:
    return await world.signed_in()


@pytest.fixture
def everything_logged(caplog: pytest.LogCaptureFixture) -> Callable[[], str]:
    caplog.set_level(logging.DEBUG)
    return lambda: "\n".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records)
