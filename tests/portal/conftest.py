"""One browser and one set of processes for this directory; each test has people, classes and a browser context of its own."""

import hashlib
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer
from playwright.async_api import Browser, async_playwright, expect

from streams.engine.kafka_clients import producer_options
from tests.e2e.topics import Tail
from tests.e2e.world import World
from tests.portal.screens import DESKTOP, Screens
from tests.portal.stack import PortalStack, portal_stack
from tests.portal.visitor import Someone, Visitor

#: `visit("Ana Ruiz")`: somebody with this name, known to the sandbox, at a browser of their own; not signed in yet.
Visit = Callable[..., Awaitable[Visitor]]

_ARGUMENTS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
#: How long a page may take to show what it should; several workers and a broker are behind it.
_PATIENCE_MS = 60_000


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--screenshots", metavar="DIRECTORY", help="take a picture of every state, in light and dark, wide and narrow")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The search for secrets comes last, so that it searches what every other test of this directory left behind."""
    mine = Path(__file__).parent
    items.sort(key=lambda item: item.path.parent == mine and item.path.name == "test_secrets.py")


@pytest.fixture(scope="package")
def chromium() -> str:
    """The browser's path. Without one these tests are skipped, in CI they fail."""
    found = os.environ.get("IMPACT_TEST_CHROMIUM") or shutil.which("chromium")
    if found is None:
        tell = pytest.fail if os.environ.get("CI") else pytest.skip
        tell("NO BROWSER: the portal's tests need chromium (apt-get install chromium, or its path in IMPACT_TEST_CHROMIUM)")
    return found


@pytest.fixture(scope="package")
def stack(chromium: str, kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PortalStack]:
    with portal_stack(os.environ, kafka=kafka, directory=tmp_path_factory.mktemp("portal")) as running:
        yield running


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def world(stack: PortalStack) -> AsyncIterator[World]:
    producer = AIOKafkaProducer(**producer_options(stack.settings.kafka))
    tail = Tail(stack.settings, [topic.name for topic in stack.topics.all()])
    async with aiohttp.ClientSession() as http, producer, tail:
        yield World(stack, http, producer, tail)


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    expect.set_options(timeout=_PATIENCE_MS)
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=chromium, args=_ARGUMENTS)
        yield running
        await running.close()


@pytest.fixture(scope="package")
def screens(request: pytest.FixtureRequest) -> Screens:
    wanted = request.config.getoption("--screenshots", None)
    if wanted is None:
        return Screens()
    directory = Path(wanted)
    directory.mkdir(parents=True, exist_ok=True)
    return Screens(directory)


@pytest_asyncio.fixture(loop_scope="package")
async def visit(world: World, stack: PortalStack, browser: Browser, screens: Screens) -> AsyncIterator[Visit]:
    visitors: list[Visitor] = []

    async def visit(name: str, *, domain: str = "impact.example", groups: tuple[str, ...] = ("providers",)) -> Visitor:
        who = await introduce(world, name, domain=domain, groups=groups)
        context = await browser.new_context(
            viewport={"width": DESKTOP[0], "height": DESKTOP[1]}, locale="en-GB", timezone_id="Europe/Berlin", reduced_motion="reduce"
        )
        context.set_default_timeout(_PATIENCE_MS)
        visitor = Visitor(who, await context.new_page(), stack.portal_url, screens)
        await visitor.begin()
        visitors.append(visitor)
        return visitor

    yield visit
    for visitor in visitors:
        await visitor.context.close()
    await world.sandbox.lift_all()
    stack.check_alive()
    complaints = [complaint for visitor in visitors for complaint in visitor.complaints]
    assert not complaints, complaints


async def introduce(world: World, name: str, *, domain: str, groups: tuple[str, ...]) -> Someone:
    """The id follows from the name, so that pictures of one state look the same each time."""
    digest = hashlib.blake2b(name.encode()).hexdigest().upper()
    who = Someone(sub=f"user_2002N{digest[:12]}", name=name, email=f"{name.lower().replace(' ', '.')}@{domain}")
    await world.sandbox.control("POST", "/control/people", {"sub": who.sub, "email": who.email, "name": name, "groups": list(groups)})
    for service in ("google", "microsoft"):
        await world.sandbox.control("POST", "/control/accounts", {"service": service, "email": who.email, "name": name})
    return who
