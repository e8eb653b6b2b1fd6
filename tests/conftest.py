"""One real broker a test run, topics of their own for each test, and settings for processes under test."""

import asyncio
import base64
import contextlib
import gc
import os
import re
import secrets
import signal
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from infra.kafka.broker import LocalKafka
from tests.support.parallel import (
    EXISTING_BROKER,
    pytest_collection_modifyitems,
    pytest_configure,
    pytest_unconfigure,
    pytest_xdist_make_scheduler,
)

__all__ = ["pytest_collection_modifyitems", "pytest_configure", "pytest_unconfigure", "pytest_xdist_make_scheduler"]

# How long an example takes, or is in the making, says more of the machine than of the code. Every run tries the same examples, so that none
# fails for what it did not change; IMPACT_TEST_HYPOTHESIS=search looks for others, each time.
_UNTIMED = hypothesis.settings(deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.register_profile("steady", _UNTIMED, derandomize=True, database=None)
hypothesis.settings.register_profile("search", _UNTIMED, derandomize=False)
hypothesis.settings.load_profile(os.environ.get("IMPACT_TEST_HYPOTHESIS", "steady"))

# Whoever runs the tests in the background of a script ignores Ctrl-C, and so would every process that they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

# What is loaded while the tests are collected stays to the end. Looking through all of it for garbage, over and over, takes as long
# again as the collection itself, and then a sixth of the tests' time.
gc.disable()


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The bootstrap address of one real Apache Kafka, started with the first test that asks for it."""
    existing = os.environ.get(EXISTING_BROKER)
    if existing:
        yield existing
        return
    with LocalKafka(data_dir=tmp_path_factory.mktemp("kafka")) as broker:
        yield broker.bootstrap_servers


@pytest.fixture
def topic_prefix(request: pytest.FixtureRequest) -> Iterator[str]:
    """Unique for each test, so that all share one broker; what a test made under it is deleted after the test."""
    slug = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")[:60]
    prefix = f"t-{slug}-{secrets.token_hex(3)}."
    uses_broker = "kafka" in request.fixturenames
    bootstrap = request.getfixturevalue("kafka") if uses_broker else ""
    yield prefix
    if uses_broker:
        with contextlib.suppress(KafkaError):  # a broker that is too busy keeps them until its own end
            asyncio.run(_delete_topics(bootstrap, prefix))


@pytest.fixture
def settings_env(kafka: str, topic_prefix: str, tmp_path: Path) -> dict[str, str]:
    """The environment of a process under test: this test's topics and directories, short retry tiers, a key for the vault.

    Calendar services are not set here: a test that runs workers adds the addresses and clients of its simulators.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("IMPACT_")}
    return inherited | {
        "IMPACT_KAFKA_BOOTSTRAP_SERVERS": kafka,
        "IMPACT_TOPIC_PREFIX": topic_prefix,
        "IMPACT_TOPIC_PARTITIONS": "4",
        "IMPACT_RETRY_TIERS": "1s,3s",
        "IMPACT_DATA_DIR": str(tmp_path / "data"),
        "IMPACT_VAULT_KEYS": "test:" + base64.b64encode(secrets.token_bytes(32)).decode(),
    }


async def _delete_topics(bootstrap: str, prefix: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        mine = [name for name in await admin.list_topics() if name.startswith(prefix)]
        if mine:
            await admin.delete_topics(mine)
    finally:
        await admin.close()
