"""The command as an operator runs it, against the real broker."""

import asyncio
import json
import os
import re
import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.structs import ConsumerRecord, OffsetAndMetadata

from adapters.vault.seal import ConnectionAad, KeyRing
from infra.kafka.broker import LocalKafka
from schemas.codec import decode_connection, encode
from schemas.connections import ConnectionGranted, ConnectionState, ConnectionStatus, Service
from schemas.envelope import decode_event, encode_event
from schemas.topics import Topics
from streams.domain.connection import Connection, encode_connection_row
from streams.engine.kafka_clients import consumer_options, producer_options
from streams.settings import Settings
from tests.support import class_events
from tests.support.processes import Worker, run_command
from tests.support.waiting import eventually

pytestmark = pytest.mark.kafka

_AT = datetime(2027, 3, 1, tzinfo=UTC)
_TOKEN = "1//refresh-token-in-clear"
_GRANT: dict[str, Any] = {
    "provider_id": "ada",
    "service": "google",
    "email": "ada@example.com",
    "refresh_token": _TOKEN,
    "scopes": ["https://www.googleapis.com/auth/calendar.events"],
    "connected_at": "2026-05-01T10:00:00Z",
}


@pytest.fixture
def settings(settings_env: dict[str, str]) -> Settings:
    return Settings.from_env(settings_env)


@pytest.fixture
def topics(settings: Settings, settings_env: dict[str, str]) -> Topics:
    """Applied."""
    done = run_command("topics", "apply", env=settings_env)
    assert done.returncode == 0, done.stderr
    return settings.topics


async def _read_all(settings: Settings, topic: str) -> list[ConsumerRecord]:
    async with AIOKafkaConsumer(**consumer_options(settings.kafka, group=None)) as consumer:
        partitions = [TopicPartition(topic, partition) for partition in range(settings.topic_partitions)]
        ends = await consumer.end_offsets(partitions)
        consumer.assign(partitions)
        await consumer.seek_to_beginning()
        records: list[ConsumerRecord] = []
        while len(records) < sum(ends.values()):
            for found in (await consumer.getmany(timeout_ms=500)).values():
                records += found
        return records


def _event_line(version: int) -> str:
    return encode_event(class_events.scheduled(version), id=f"event-{version}", time=_AT).decode()


def test_topics_are_made_then_found_as_declared(settings_env: dict[str, str]) -> None:
    before = run_command("topics", "check", "--json", env=settings_env)
    assert before.returncode == 1
    declared = json.loads(before.stdout)
    assert {difference["setting"] for difference in declared["differences"]} == {"topic"}

    applied = run_command("topics", "apply", "--json", env=settings_env)
    assert applied.returncode == 0, applied.stderr
    assert len(json.loads(applied.stdout)["created"]) == declared["topics"]

    after = run_command("topics", "check", env=settings_env)
    assert (after.returncode, after.stdout.strip()) == (0, f"{declared['topics']} topics are as declared.")


def test_topics_with_other_partitions_are_refused_with_exit_1(settings_env: dict[str, str], topics: Topics) -> None:
    done = run_command("topics", "apply", env=settings_env | {"IMPACT_TOPIC_PARTITIONS": "6"})
    assert done.returncode == 1
    assert f"{topics.intents} has 4 partitions, 6 are declared" in done.stderr

    check = run_command("topics", "check", env=settings_env | {"IMPACT_TOPIC_PARTITIONS": "6"})
    assert check.returncode == 1
    assert "Set IMPACT_TOPIC_PARTITIONS, or make new topics" in check.stderr
    assert "topics apply" not in check.stderr, "it cannot settle this"


async def test_published_lines_stand_in_the_topic_keyed_and_in_order(
    settings_env: dict[str, str], settings: Settings, topics: Topics, tmp_path: Path
) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text("\n".join(_event_line(version) for version in range(1, 51)))
    done = await asyncio.to_thread(run_command, "publish", str(file), env=settings_env)
    assert (done.returncode, done.stdout) == (0, f"Published 50 events to {topics.class_events}.\n"), done.stderr
    records = await _read_all(settings, topics.class_events)
    assert {record.key for record in records} == {b"class-7"}
    assert {record.headers for record in records} == {(("content-type", b"application/cloudevents+json"),)}
    assert [decode_event(r.key, r.value, r.headers).event.version for r in records] == list(range(1, 51))


async def test_a_bad_line_is_named_and_nothing_is_sent(
    settings_env: dict[str, str], settings: Settings, topics: Topics, tmp_path: Path
) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text(f"{_event_line(1)}\n{_event_line(2).replace('Europe/Berlin', 'Mars/Olympus')}\n")
    done = await asyncio.to_thread(run_command, "publish", str(file), env=settings_env)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{file}: 1 bad line, nothing was sent\n  line 2: " in done.stderr
    assert "time_zone" in done.stderr
    assert await _read_all(settings, topics.class_events) == []


async def test_good_lines_from_stdin_are_sent_when_bad_ones_may_be_skipped(
    settings_env: dict[str, str], settings: Settings, topics: Topics
) -> None:
    text = f"{_event_line(1)}\nnot json\n{_event_line(2)}\n"
    done = await asyncio.to_thread(run_command, "publish", "--skip-invalid", "-", env=settings_env, stdin=text)
    assert (done.returncode, done.stdout) == (0, f"Published 2 events to {topics.class_events}. 1 line was skipped, see above.\n")
    assert done.stderr.startswith("skipped line 2: ")
    assert len(await _read_all(settings, topics.class_events)) == 2


async def test_publishing_that_is_interrupted_says_how_many_stand_in_the_topic(
    settings_env: dict[str, str], settings: Settings, topics: Topics, tmp_path: Path
) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text(f"{_event_line(1)}\n" * 60_000)
    async with AIOKafkaConsumer(**consumer_options(settings.kafka, group=None)) as consumer:
        partitions = [TopicPartition(topics.class_events, partition) for partition in range(settings.topic_partitions)]

        async def published() -> int:
            return sum((await consumer.end_offsets(partitions)).values())

        with Worker("publish", str(file), env=settings_env, log=tmp_path / "publish.log") as publishing:

            async def begun_when_it_was_let_on_for_a_moment() -> int:
                """It stands still while it is looked at, so that it cannot have ended by then."""
                publishing.send_signal(signal.SIGCONT)
                await asyncio.sleep(0.1)
                publishing.send_signal(signal.SIGSTOP)
                return await published()

            await eventually(begun_when_it_was_let_on_for_a_moment, what="the first events in the topic", timeout=150)
            publishing.send_signal(signal.SIGINT)
            publishing.send_signal(signal.SIGCONT)
            assert await asyncio.to_thread(publishing.wait) == 130
        told = re.fullmatch(r"impact-calendar: stopped: (\d+) of 60000 confirmed; publishing again is harmless\.\n", publishing.output)
        assert told is not None, publishing.output
        assert int(told[1]) == await published()
        assert 0 < int(told[1]) < 60_000


def test_publishing_without_topics_says_how_to_make_them(settings_env: dict[str, str]) -> None:
    done = run_command("publish", "-", env=settings_env, stdin=_event_line(1))
    assert done.returncode == 1
    assert "no such topic" in done.stderr
    assert "impact-calendar topics apply" in done.stderr


async def test_imported_grants_are_sealed_and_a_second_import_is_the_same_grant(
    settings_env: dict[str, str], settings: Settings, topics: Topics, tmp_path: Path
) -> None:
    file = tmp_path / "grants.jsonl"
    file.write_text(json.dumps(_GRANT) + "\n" + json.dumps(_GRANT | {"provider_id": "grace", "service": "microsoft"}))
    for _ in range(2):
        done = await asyncio.to_thread(run_command, "connections", "import", str(file), env=settings_env)
        assert (done.returncode, done.stdout) == (0, f"Imported 2 connections to {topics.connections}.\n"), done.stderr
        assert _TOKEN not in done.stderr
    records = await _read_all(settings, topics.connections)
    assert _TOKEN.encode() not in b"".join(record.value for record in records)
    granted = [event for record in records if isinstance(event := decode_connection(record.value), ConnectionGranted)]
    assert sorted({(event.provider_id, event.service) for event in granted}) == [("ada", Service.GOOGLE), ("grace", Service.MICROSOFT)]
    assert len(granted) == 4
    assert len({event.grant_id for event in granted}) == 2
    ring = KeyRing(settings.vault_keys)
    for event in granted:
        aad = ConnectionAad(provider_id=event.provider_id, service=event.service, grant_id=event.grant_id)
        assert ring.open(event.sealed_refresh_token, aad) == _TOKEN


async def test_a_grant_from_before_its_provider_disconnected_is_not_sent_and_told(
    settings_env: dict[str, str], settings: Settings, topics: Topics, tmp_path: Path
) -> None:
    """No worker would heed it; without a word nobody would know why the provider does not come into force."""
    row = Connection(provider_id="ada", last_grant_id="g-1", last_changed_at=datetime(2099, 1, 1, tzinfo=UTC))
    async with AIOKafkaProducer(**producer_options(settings.kafka)) as producer:
        await producer.send_and_wait(topics.connections_changelog, encode_connection_row(row), key=b"ada")
    file = tmp_path / "grants.jsonl"
    file.write_text(json.dumps(_GRANT | {"provider_id": "grace"}) + "\n" + json.dumps(_GRANT))
    done = await asyncio.to_thread(run_command, "connections", "import", str(file), env=settings_env)
    assert (done.returncode, done.stdout) == (0, f"Imported 1 connections to {topics.connections}. 1 lines were not sent, see above.\n")
    assert "line 2: not sent, since ada" in done.stderr
    assert "2099-01-01" in done.stderr
    assert "give that moment as connected_at" in done.stderr
    assert [record.key for record in await _read_all(settings, topics.connections)] == [b"grace"]


async def test_a_bad_grant_is_named_without_its_token_and_nothing_is_sent(
    settings_env: dict[str, str], settings: Settings, topics: Topics, tmp_path: Path
) -> None:
    file = tmp_path / "grants.jsonl"
    file.write_text(json.dumps(_GRANT) + "\n" + json.dumps(_GRANT | {"service": _TOKEN}))
    done = await asyncio.to_thread(run_command, "connections", "import", str(file), env=settings_env)
    assert done.returncode == 2
    assert "line 2: " in done.stderr
    assert "service" in done.stderr
    assert _TOKEN not in done.stderr + done.stdout
    assert await _read_all(settings, topics.connections) == []


def _status_of(provider_id: str, state: ConnectionState) -> bytes:
    return encode(
        ConnectionStatus(
            provider_id=provider_id,
            grant_id="g-1",
            service=Service.GOOGLE,
            email="p@example.com",
            state=state,
            connected_at=_AT,
            changed_at=_AT,
        )
    )


async def _fill(settings: Settings, topics: Topics) -> None:
    """5 class events of which fold has finished 2; 3 intents in the first tier; 1 dead letter; the statuses of three providers."""
    connected, reconnect = ConnectionState.CONNECTED, ConnectionState.NEEDS_RECONNECT
    async with AIOKafkaProducer(**producer_options(settings.kafka)) as producer:
        for number in range(5):
            await producer.send_and_wait(topics.class_events, str(number).encode(), partition=1)
        for number in range(3):
            await producer.send_and_wait(topics.retry(settings.retry_tiers[0]), b"intent", key=str(number).encode())
        await producer.send_and_wait(topics.class_events_dlq, b"{")
        for provider, state in (("ada", connected), ("grace", connected), ("ada", reconnect), ("edsger", connected)):
            await producer.send_and_wait(topics.connection_status, _status_of(provider, state), key=provider.encode())
        await producer.send_and_wait(topics.connection_status, None, key=b"edsger")
    async with AIOKafkaConsumer(**consumer_options(settings.kafka, group=topics.fold_app)) as consumer:
        partition = TopicPartition(topics.class_events, 1)
        consumer.assign([partition])
        await consumer.commit({partition: OffsetAndMetadata(2, "")})


async def test_status_tells_lag_waiting_retries_dead_letters_and_connections(
    settings_env: dict[str, str], settings: Settings, topics: Topics
) -> None:
    await _fill(settings, topics)
    done = await asyncio.to_thread(run_command, "status", "--json", env=settings_env)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    lags = {topic["topic"]: topic["lag"] for group in report["groups"] for topic in group["topics"]}
    assert lags[topics.class_events] == 3
    assert lags[topics.intents] == 0
    assert [group["group"] for group in report["groups"]] == [topics.fold_app, topics.execute_app, topics.redeliver_group]
    assert report["retry"] == {"1s": 3, "3s": 0}
    assert report["dead_letters"] == {topics.class_events_dlq: 1, topics.intents_dlq: 0}
    assert report["connections"] == {"connected": 1, "needs_reconnect": 1, "disconnecting": 0, "disconnected": 0}

    shown = await asyncio.to_thread(run_command, "status", env=settings_env)
    assert shown.returncode == 0, shown.stderr
    assert topics.class_events in shown.stdout
    assert "needs_reconnect" in shown.stdout


def test_status_is_there_at_once_on_a_cluster_that_never_had_a_group(tmp_path: Path) -> None:
    """The brokers make the topic of the groups' offsets when they are first asked, and have no coordinator until it stands."""
    with LocalKafka(data_dir=tmp_path / "fresh") as broker:
        env = {name: value for name, value in os.environ.items() if not name.startswith("IMPACT_")}
        env["IMPACT_KAFKA_BOOTSTRAP_SERVERS"] = broker.bootstrap_servers
        applied = run_command("topics", "apply", env=env)
        assert applied.returncode == 0, applied.stderr
        done = run_command("status", "--json", env=env)
    assert done.returncode == 0, done.stderr
    assert {group["state"] for group in json.loads(done.stdout)["groups"]} == {"Dead"}


@pytest.mark.parametrize(
    "command", [("status",), ("topics", "check"), ("topics", "apply"), ("publish", "-"), ("connections", "import", "-")]
)
def test_without_a_broker_the_address_is_named_with_exit_1(settings_env: dict[str, str], command: tuple[str, ...]) -> None:
    lines = {"publish": _event_line(1), "connections": json.dumps(_GRANT)}
    env = settings_env | {"IMPACT_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}
    done = run_command(*command, env=env, stdin=lines.get(command[0], ""))
    assert done.returncode == 1
    assert done.stderr.startswith("impact-calendar: no Kafka broker answers at 127.0.0.1:1 (PLAINTEXT)")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("command", [("status",), ("topics", "check"), ("publish", "-"), ("fold",), ("execute",), ("redeliver",)])
def test_a_malformed_setting_is_named_with_an_example_and_exit_2(settings_env: dict[str, str], command: tuple[str, ...]) -> None:
    done = run_command(*command, env=settings_env | {"IMPACT_RETRY_TIERS": "soon"})
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "impact-calendar: IMPACT_RETRY_TIERS holds 'soon'. It expects durations, comma-separated, each longer than the one before. "
        "Example: IMPACT_RETRY_TIERS=30s,5m,30m,3h\n"
    )


def test_importing_without_vault_keys_names_the_setting(settings_env: dict[str, str]) -> None:
    done = run_command("connections", "import", "-", env=settings_env | {"IMPACT_VAULT_KEYS": ""}, stdin=json.dumps(_GRANT))
    assert done.returncode == 2
    assert "IMPACT_VAULT_KEYS is missing" in done.stderr


def test_a_file_that_is_not_there_is_bad_input(settings_env: dict[str, str]) -> None:
    done = run_command("publish", "nowhere.jsonl", env=settings_env)
    assert (done.returncode, done.stderr) == (2, "impact-calendar: nowhere.jsonl: No such file or directory\n")
