"""The declared topics on a real broker: made, compared, brought back to what is declared."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from schemas.topics import Topics
from streams.engine.kafka_clients import admin_options
from streams.engine.topic_admin import Difference, apply_topics, check_topics
from streams.settings import KafkaSettings
from tests.support.waiting import eventually

pytestmark = pytest.mark.kafka


@pytest.fixture
async def admin(kafka: str) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(**admin_options(KafkaSettings(bootstrap_servers=(kafka,))))
    await client.start()
    yield client
    await client.close()


@pytest.fixture
def topics(topic_prefix: str) -> Topics:
    return Topics(tiers=(timedelta(seconds=1), timedelta(seconds=3)), prefix=topic_prefix, partitions=2)


async def test_applying_makes_every_declared_topic_and_checking_then_finds_nothing(admin: AIOKafkaAdminClient, topics: Topics) -> None:
    applied = await apply_topics(admin, topics, 1)
    assert applied.created == tuple(topic.name for topic in topics.all())
    assert await check_topics(admin, topics) == ()


async def test_applying_twice_changes_nothing(admin: AIOKafkaAdminClient, topics: Topics) -> None:
    await apply_topics(admin, topics, 1)
    again = await apply_topics(admin, topics, 1)
    assert (again.created, again.changed, again.left) == ((), (), ())


async def test_checking_an_empty_broker_reports_each_topic_as_missing(admin: AIOKafkaAdminClient, topics: Topics) -> None:
    differences = await check_topics(admin, topics)
    assert [(d.topic, d.setting, d.found) for d in differences] == [(topic.name, "topic", None) for topic in topics.all()]


async def test_a_setting_changed_by_hand_is_reported_and_set_back_and_other_settings_stay(
    admin: AIOKafkaAdminClient, topics: Topics
) -> None:
    await apply_topics(admin, topics, 1)
    by_hand = {"retention.ms": "1000", "segment.ms": "777000"}
    await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topics.outcomes, by_hand)])

    declared = str(28 * 24 * 3600 * 1000)
    difference = Difference(topic=topics.outcomes, setting="retention.ms", declared=declared, found="1000")

    async def differs() -> bool:
        return await check_topics(admin, topics) == (difference,)

    await eventually(differs, what="the change made by hand")
    assert (await apply_topics(admin, topics, 1)).changed == (difference,)
    assert await check_topics(admin, topics) == ()
    asked = ConfigResource(ConfigResourceType.TOPIC, topics.outcomes, {"segment.ms": None})
    (answer,) = await admin.describe_configs([asked])
    assert answer.resources[0][4][0][:2] == ("segment.ms", "777000")


async def test_a_topic_with_another_number_of_partitions_is_left_and_reported(admin: AIOKafkaAdminClient, topics: Topics) -> None:
    await admin.create_topics([NewTopic(topics.intents, 3, 1)])
    applied = await apply_topics(admin, topics, 1)
    assert applied.left == (Difference(topic=topics.intents, setting="partitions", declared="2", found="3"),)
    assert topics.intents not in applied.created


async def test_a_new_tier_makes_its_topic_only(admin: AIOKafkaAdminClient, topics: Topics) -> None:
    await apply_topics(admin, topics, 1)
    more = replace(topics, tiers=(*topics.tiers, timedelta(minutes=5)))
    assert (await apply_topics(admin, more, 1)).created == (f"{topics.prefix}calendar.intents.v1-retry-5m",)
