"""Making the declared topics, and comparing what stands on the brokers with what is declared.

Partitions are never added to a topic that stands: keys would move to other partitions, and order and tables with them.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, TopicAuthorizationFailedError, for_code

from schemas.topics import Topic, Topics
from streams.engine.permissions import not_permitted

__all__ = ["AppliedTopics", "Difference", "TopicsNotSettledError", "apply_topics", "check_partitions", "check_topics", "leaders_of"]

#: Kafka's number for a setting that was given for this very topic (DescribeConfigs, ConfigSource DYNAMIC_TOPIC_CONFIG).
_SET_ON_TOPIC = 1
_SETTLE_SECONDS = 30.0
_SETTLE_PAUSE = 0.05


class TopicsNotSettledError(Exception):
    """What was made or set did not show on the brokers in time."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """`setting` is `topic` (missing), `partitions`, `leaders` (of them, in service now), or a topic setting's name.

    `found` None: it is not there.
    """

    topic: str
    setting: str
    declared: str
    found: str | None


@dataclass(frozen=True, kw_only=True)
class AppliedTopics:
    """`created`: topics made; `changed`: settings brought to what is declared; `left`: differences that only a person can settle."""

    created: tuple[str, ...] = ()
    changed: tuple[Difference, ...] = ()
    left: tuple[Difference, ...] = ()


async def apply_topics(admin: AIOKafkaAdminClient, topics: Topics, replicas: int) -> AppliedTopics:
    """Make what is missing and set declared settings that differ; safe to repeat, and to run at the same time elsewhere.

    Settings that were added by hand and are not declared stay. Returns when the brokers show it all, leaders too.

    Raises KafkaError when the brokers refuse, PermissionsMissingError, TopicsNotSettledError.
    """
    differences = await check_topics(admin, topics)
    missing = {difference.topic for difference in differences if difference.setting == "topic"}
    changed = tuple(d for d in differences if d.setting not in ("topic", "partitions", "leaders"))
    created = await _create(admin, [topic for topic in topics.all() if topic.name in missing], replicas)
    await _set(admin, changed)
    return AppliedTopics(created=created, changed=changed, left=await _settled(admin, topics))


async def check_topics(admin: AIOKafkaAdminClient, topics: Topics) -> tuple[Difference, ...]:
    """Every difference between the declaration and the brokers, in the order of the declaration. Raises as apply_topics."""
    leaders = await leaders_of(admin, [topic.name for topic in topics.all()])
    configs = await _configs(admin, sorted(leaders))
    found: list[Difference] = []
    for topic in topics.all():
        found += _compare(topic, leaders.get(topic.name))
        if topic.name in leaders:
            found += _compare_settings(topic, {name: value for name, (value, _) in configs[topic.name].items()})
    return tuple(found)


async def check_partitions(admin: AIOKafkaAdminClient, topics: Topics) -> tuple[Difference, ...]:
    """The same without the topics' settings, which workers need no permission to see."""
    leaders = await leaders_of(admin, [topic.name for topic in topics.all()])
    return tuple(found for topic in topics.all() for found in _compare(topic, leaders.get(topic.name)))


async def leaders_of(admin: AIOKafkaAdminClient, names: Sequence[str]) -> dict[str, dict[int, int]]:
    """For those of the topics that stand: partition -> the broker that leads it, -1 while there is none.

    Raises PermissionsMissingError: whether one stands that may not be seen, brokers do not tell.
    """
    described = await admin.describe_topics(list(names))
    hidden = {topic["topic"] for topic in described if topic["error_code"] == TopicAuthorizationFailedError.errno}
    if hidden:
        raise not_permitted(f"Describe on topic {name}" for name in names if name in hidden)
    return {
        topic["topic"]: {partition["partition"]: partition["leader"] for partition in topic["partitions"]}
        for topic in described
        if topic["error_code"] == 0
    }


def _compare(topic: Topic, leaders: Mapping[int, int] | None) -> list[Difference]:
    if leaders is None:
        return [Difference(topic=topic.name, setting="topic", declared=f"{topic.partitions} partitions", found=None)]
    found: list[Difference] = []
    if len(leaders) != topic.partitions:
        found.append(Difference(topic=topic.name, setting="partitions", declared=str(topic.partitions), found=str(len(leaders))))
    led = sum(leader >= 0 for leader in leaders.values())
    if led != len(leaders):
        found.append(Difference(topic=topic.name, setting="leaders", declared=str(len(leaders)), found=str(led)))
    return found


def _compare_settings(topic: Topic, config: Mapping[str, str]) -> list[Difference]:
    return [
        Difference(topic=topic.name, setting=name, declared=declared, found=config.get(name))
        for name, declared in topic.config.items()
        if config.get(name) != declared
    ]


async def _create(admin: AIOKafkaAdminClient, missing: Sequence[Topic], replicas: int) -> tuple[str, ...]:
    """The names of those made here; one that somebody else made in the meantime is as good."""
    if not missing:
        return ()
    response = await admin.create_topics(
        [NewTopic(topic.name, topic.partitions, replicas, topic_configs=topic.config) for topic in missing]
    )
    for name, code, message in response.topic_errors:
        if code != TopicAlreadyExistsError.errno:
            _raise_for(code, name, message, "Create")
    made = {name for name, code, _ in response.topic_errors if code == 0}
    return tuple(topic.name for topic in missing if topic.name in made)


async def _settled(admin: AIOKafkaAdminClient, topics: Topics) -> tuple[Difference, ...]:
    """The differences in partitions, once all else agrees: brokers tell of a change some time after the controller confirmed it."""
    left: tuple[Difference, ...] = ()
    try:
        async with asyncio.timeout(_SETTLE_SECONDS):
            while True:
                left = await check_topics(admin, topics)
                if all(difference.setting == "partitions" for difference in left):
                    return left
                await asyncio.sleep(_SETTLE_PAUSE)
    except TimeoutError:
        names = ", ".join(sorted({f"{difference.topic} ({difference.setting})" for difference in left}))
        raise TopicsNotSettledError(f"after {_SETTLE_SECONDS:.0f} s the brokers still report something else for: {names}") from None


async def _set(admin: AIOKafkaAdminClient, changes: Sequence[Difference]) -> None:
    """The protocol's AlterConfigs replaces all settings of a topic, so those that were set by hand are sent along."""
    wanted: dict[str, dict[str, str]] = {}
    for change in changes:
        wanted.setdefault(change.topic, {})[change.setting] = change.declared
    if not wanted:
        return
    configs = await _configs(admin, sorted(wanted))
    resources = []
    for name, declared in wanted.items():
        kept = {setting: value for setting, (value, source) in configs[name].items() if source == _SET_ON_TOPIC}
        resources.append(ConfigResource(ConfigResourceType.TOPIC, name, kept | declared))
    for response in await admin.alter_configs(resources):
        for code, message, _, name in response.resources:
            _raise_for(code, name, message, "AlterConfigs")


async def _configs(admin: AIOKafkaAdminClient, names: Sequence[str]) -> dict[str, dict[str, tuple[str, int]]]:
    """Topic -> setting -> (value in force, where it comes from)."""
    if not names:
        return {}
    configs: dict[str, dict[str, tuple[str, int]]] = {}
    for response in await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in names]):
        for code, message, _, name, entries in response.resources:
            _raise_for(code, name, message, "DescribeConfigs")
            configs[name] = {entry[0]: (entry[1], entry[3]) for entry in entries}
    return configs


def _raise_for(code: int, name: str, message: Any, operation: str) -> None:
    if code == TopicAuthorizationFailedError.errno:
        raise not_permitted([f"{operation} on topic {name}"])
    if code:
        error: KafkaError = for_code(code)(f"topic {name}: {message}")
        raise error
