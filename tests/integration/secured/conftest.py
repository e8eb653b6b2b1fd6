"""One broker with TLS, passwords and permissions. Each process has a user of its own, who is granted what is declared and no more."""

import asyncio
import base64
import os
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.kafka.errors import MissingToolError
from schemas.access import Access, access_of
from schemas.topics import Topics
from streams.settings import Settings
from tests.support.processes import run_command
from tests.support.secure_kafka import Allow, SecureKafka

#: As the README grants them to one user of everything.
PREFIXES = ("booking.", "calendar.", "impact-")
EVERYTHING = ("Create", "Read", "Write", "Describe", "DescribeConfigs", "AlterConfigs")
WORKERS = ("fold", "execute", "redeliver", "read-model")
SETTINGS = {
    "IMPACT_TOPIC_PARTITIONS": "2",
    "IMPACT_RETRY_TIERS": "1s,2s",
    "IMPACT_VAULT_KEYS": "test:" + base64.b64encode(bytes(32)).decode(),
    "IMPACT_GOOGLE_CLIENT_ID": "id",
    "IMPACT_GOOGLE_CLIENT_SECRET": "secret",
}


@pytest.fixture(scope="package")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureKafka]:
    """Its topics stand, made by the user `impact` with what the README grants it."""
    users = {name: f"hush-{name}" for name in ("impact", "stranger", "portal", *WORKERS)}
    cluster = SecureKafka(tmp_path_factory.mktemp("secured"), users)
    try:
        cluster.broker.start()
    except MissingToolError as error:
        message = f"a broker with TLS needs Java and Maven: {error}"
        if os.environ.get("CI"):
            pytest.fail(message)
        warnings.warn(message, stacklevel=1)
        pytest.skip(message)
    try:
        asyncio.run(_grant(cluster, Settings.from_env(SETTINGS).topics))
        applied = run_command("topics", "apply", env=_environment(cluster, "impact"))
        assert applied.returncode == 0, applied.stderr
        yield cluster
    finally:
        cluster.broker.stop()


async def _grant(cluster: SecureKafka, topics: Topics) -> None:
    async with cluster.operator() as allow:
        for prefix in PREFIXES:
            await allow("impact", "topic", prefix, *EVERYTHING, prefixed=True)
        await allow("impact", "group", "impact-", "Read", prefixed=True)
        for worker in WORKERS:
            await _grant_as_declared(allow, worker, access_of(worker, topics))
        await allow("portal", "topic", topics.connections, "Write")


async def _grant_as_declared(allow: Allow, worker: str, access: Access) -> None:
    for prefix in PREFIXES:
        await allow(worker, "topic", prefix, "Describe", prefixed=True)
    for topic in access.reads:
        await allow(worker, "topic", topic, "Read")
    for topic in access.writes:
        await allow(worker, "topic", topic, "Write")
    if access.group is not None:
        await allow(worker, "group", access.group, "Read")


def _environment(cluster: SecureKafka, user: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("IMPACT_")}
    return inherited | SETTINGS | cluster.env(user)


@pytest.fixture
def env(cluster: SecureKafka, tmp_path: Path) -> dict[str, str]:
    """Settings of the user who may do everything."""
    return _environment(cluster, "impact") | {"IMPACT_DATA_DIR": str(tmp_path / "data")}
