"""Before anything is consumed: topics that are missing are waited for, and topics that are otherwise than declared stop a worker."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from schemas.topics import Topics
from streams.engine.kafka_clients import admin_options
from streams.engine.preflight import TopicsNotReadyError, wait_for_topics
from streams.engine.topic_admin import apply_topics
from streams.settings import Settings
from tests.support.processes import Worker
from tests.support.waiting import eventually

pytestmark = pytest.mark.kafka

FOR_EVER = 3600.0


@pytest.fixture
def settings(settings_env: dict[str, str]) -> Settings:
    return Settings.from_env(settings_env)


@pytest.fixture
def options(settings: Settings) -> dict[str, Any]:
    return admin_options(settings.kafka)


async def make(options: dict[str, Any], topics: Topics) -> None:
    admin = AIOKafkaAdminClient(**options)
    await admin.start()
    try:
        await apply_topics(admin, topics, 1)
    finally:
        await admin.close()


async def test_topics_that_are_missing_when_patience_ends_are_named(options: dict[str, Any], settings: Settings) -> None:
    with pytest.raises(TopicsNotReadyError, match=r"Run `impact-calendar topics apply`") as caught:
        await wait_for_topics(options, settings.topics, patience=0.0)()
    assert {found.topic for found in caught.value.differences} == {topic.name for topic in settings.topics.all()}
    assert f"{settings.topics.intents} is missing" in str(caught.value)


async def test_topics_that_somebody_is_still_making_are_waited_for(
    options: dict[str, Any], settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    waiting = asyncio.create_task(wait_for_topics(options, settings.topics, patience=FOR_EVER)())

    async def waits() -> bool:
        return "waiting for topics" in caplog.messages

    await eventually(waits, what="somebody who waits for topics")
    assert not waiting.done()
    await make(options, settings.topics)
    await waiting


async def test_another_number_of_partitions_is_not_waited_out(options: dict[str, Any], settings: Settings) -> None:
    await make(options, replace(settings.topics, partitions=2))
    with pytest.raises(TopicsNotReadyError, match=f"{settings.topics.intents} has partitions 2, expected 4"):
        await wait_for_topics(options, settings.topics, patience=FOR_EVER)()


async def test_a_worker_over_topics_with_another_number_of_partitions_stops_and_says_so(
    options: dict[str, Any], settings: Settings, settings_env: dict[str, str], tmp_path: Path
) -> None:
    await make(options, replace(settings.topics, partitions=2))
    worker = Worker("fold", env=settings_env, log=tmp_path / "fold.log").start()
    assert await asyncio.to_thread(worker.wait) == 1
    assert "TopicsNotReadyError" in worker.output
    assert "has partitions 2, expected 4" in worker.output
