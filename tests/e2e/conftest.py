"""One set of processes for the whole run of these tests: each test has providers and classes of its own."""

import os
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import aiohttp
import pytest
from aiokafka import AIOKafkaProducer

from streams.engine.kafka_clients import producer_options
from tests.e2e.stack import Stack, worker_env
from tests.e2e.topics import Tail
from tests.e2e.world import World
from tests.support.ports import free_port


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The search for secrets comes last, so that it searches what every other test of this directory left behind."""
    mine = Path(__file__).parent
    items.sort(key=lambda item: item.path.parent == mine and item.path.name == "test_secrets.py")


@pytest.fixture(scope="session")
def make_stack(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Stack]:
    """A stack that is not started yet, over topics of its own; `overrides` are settings."""

    def make(name: str, **overrides: str) -> Stack:
        directory, port = tmp_path_factory.mktemp(name), free_port()
        prefix = f"e2e-{name}-{secrets.token_hex(3)}."
        env = worker_env(os.environ, kafka=kafka, prefix=prefix, directory=directory, sandbox_url=f"http://127.0.0.1:{port}")
        return Stack(env | overrides, directory, port)

    return make


@pytest.fixture(scope="package")
def stack(make_stack: Callable[..., Stack]) -> Iterator[Stack]:
    """The set that most tests share."""
    with make_stack("shared") as running:
        yield running


@pytest.fixture
async def world(stack: Stack) -> AsyncIterator[World]:
    """The stack of the test's module, through clients of this test; its faults are lifted afterwards."""
    topics = [topic.name for topic in stack.topics.all()]
    producer = AIOKafkaProducer(**producer_options(stack.settings.kafka))
    async with aiohttp.ClientSession() as http, producer, Tail(stack.settings, topics) as tail:
        world = World(stack, http, producer, tail)
        try:
            yield world
        finally:
            await world.sandbox.lift_all()
    stack.check_alive()


@pytest.fixture(params=["google", "microsoft"])
def service(request: pytest.FixtureRequest) -> str:
    """Each calendar service in turn."""
    name: str = request.param
    return name
