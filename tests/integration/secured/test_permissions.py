"""What the brokers' access lists do not permit is told before the work begins: each operation, and the topic or group that it is on."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.portal.ports import PublishFailed
from schemas.access import Access, access_of
from schemas.connections import ConnectionRevoked
from streams.engine.kafka_clients import admin_options, producer_options
from streams.engine.not_ready import PermissionsMissingError
from streams.engine.preflight import let_in
from streams.portal_publisher import KafkaConnectionPublisher
from streams.settings import Settings
from tests.support.class_lines import booked_class
from tests.support.processes import run_command
from tests.support.secure_kafka import SecureKafka

pytestmark = pytest.mark.kafka

TO_WHOM = "to this process's user (IMPACT_KAFKA_SASL_USERNAME). Grant it in their access lists"


def as_user(cluster: SecureKafka, env: dict[str, str], user: str) -> dict[str, str]:
    return env | cluster.env(user)


async def missing(cluster: SecureKafka, env: dict[str, str], user: str, access: Access) -> str:
    settings = Settings.from_env(as_user(cluster, env, user))
    with pytest.raises(PermissionsMissingError) as caught:
        await let_in(admin_options(settings.kafka), access)()
    return str(caught.value)


async def test_all_that_a_process_lacks_is_told_at_once(cluster: SecureKafka, env: dict[str, str]) -> None:
    topics = Settings.from_env(env).topics
    assert await missing(cluster, env, "fold", access_of("redeliver", topics)) == (
        "the brokers do not permit Read on topic calendar.intents.v1-retry-1s, Read on topic calendar.intents.v1-retry-2s, "
        f"Write on topic calendar.intents.v1-bulk, Write on topic calendar.intents.v1-dlq, Read on group impact-redeliver {TO_WHOM}"
    )


async def test_a_topic_that_stands_nowhere_is_not_a_missing_permission(cluster: SecureKafka, env: dict[str, str]) -> None:
    settings = Settings.from_env(env)
    await let_in(admin_options(settings.kafka), Access(reads=("calendar.not-made",), writes=("calendar.not-made",)))()


@pytest.mark.parametrize("user", ["redeliver", "fold"])
async def test_workers_without_their_permissions_end_and_tell_which(
    cluster: SecureKafka, env: dict[str, str], user: str, tmp_path: Path
) -> None:
    """Each runs as the other's user."""
    worker = {"redeliver": "fold", "fold": "redeliver"}[user]
    done = await asyncio.to_thread(run_command, worker, env=as_user(cluster, env, user))
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    lacked = {"fold": "Read on topic booking.class-events.v1, ", "redeliver": "Read on topic calendar.intents.v1-retry-1s, "}[worker]
    assert f"the brokers do not permit {lacked}" in done.stderr.splitlines()[-1]
    assert done.stderr.splitlines()[-1].endswith(TO_WHOM)


@pytest.mark.parametrize(
    ("command", "user", "lacked"),
    [
        ("topics check", "stranger", "Describe on topic booking.class-events.v1, Describe on topic booking.class-events.v1-dlq, "),
        ("topics check", "fold", "DescribeConfigs on topic booking.class-events.v1 "),
        ("publish -", "fold", "Write on topic booking.class-events.v1 "),
        ("status", "fold", "Read on topic calendar.connection-status.v1, Describe on group impact-execute, "),
    ],
)
async def test_commands_without_their_permissions_tell_which(
    cluster: SecureKafka, env: dict[str, str], command: str, user: str, lacked: str
) -> None:
    """`topics check` does not take a topic for missing that may only not be seen."""
    given = booked_class("class-of-nobody", "staff-1") if command == "publish -" else ""
    done = await asyncio.to_thread(run_command, *command.split(), env=as_user(cluster, env, user), stdin=given)
    assert done.returncode == 1
    assert done.stderr.startswith(f"impact-calendar: Kafka at {cluster.address()}: the brokers do not permit {lacked}"), done.stderr
    assert done.stderr.endswith(f"{TO_WHOM}.\n")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("stranger", f"the brokers do not permit Write on topic calendar.connections.v1 {TO_WHOM}"),
        ("fold", f"the brokers do not permit Write on topic calendar.connections.v1 {TO_WHOM}"),
        ("password", "IMPACT_KAFKA_SASL_PASSWORD or IMPACT_KAFKA_SASL_USERNAME is wrong: the broker at "),
    ],
)
async def test_the_portal_logs_why_a_connection_event_is_not_published(
    cluster: SecureKafka, env: dict[str, str], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, wrong: str, said: str
) -> None:
    """A stranger may write nowhere, which brokers tell otherwise; a password may change while the portal runs."""
    monkeypatch.setattr("streams.portal_publisher._LOOK_SECONDS", 20.0)  # what is told, not how fast
    own = env | {"IMPACT_KAFKA_SASL_PASSWORD": "wrong"} if wrong == "password" else as_user(cluster, env, wrong)
    settings = Settings.from_env(own)
    publisher = KafkaConnectionPublisher(producer_options(settings.kafka), topic=settings.topics.connections, timeout=timedelta(seconds=20))
    with pytest.raises(PublishFailed):
        await publisher.revoked(ConnectionRevoked(provider_id="staff-1", grant_id="grant-1", revoked_at=datetime.now(UTC)))
    await publisher.close()
    (logged,) = [record.getMessage() for record in caplog.records if record.name == "streams.portal_publisher"]
    assert logged.startswith(f"a connection event is not published: {said}")
