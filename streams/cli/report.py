"""What `status` tells: how far each group is, what waits, what was given up, and the connections by state."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError, GroupLoadInProgressError, NotCoordinatorForGroupError, for_code

from schemas.access import access_of
from schemas.codec import decode_status
from schemas.connections import ConnectionState
from schemas.errors import ContractViolation
from schemas.topics import Topics, tier_name
from streams.cli.brokers import newest_rows, require_topics
from streams.engine.permissions import check_access

__all__ = ["GroupStatus", "Report", "TopicLag", "gather"]

T = TypeVar("T")

_UNREADABLE = "unreadable"
#: A cluster makes the topic of the groups' offsets when it is first asked for a group; a coordinator that takes over reads it first.
_NOT_YET = (GroupCoordinatorNotAvailableError, NotCoordinatorForGroupError, GroupLoadInProgressError)
COORDINATOR_SECONDS = 10.0
_PAUSE = 0.2


@dataclass(frozen=True, kw_only=True)
class TopicLag:
    """`lag`: records that the group has not finished with; what it never committed counts in full."""

    topic: str
    lag: int
    partitions: int


@dataclass(frozen=True, kw_only=True)
class GroupStatus:
    """`state` is Kafka's word (Stable, Empty, Dead ...); `members`: processes that take part now."""

    group: str
    state: str
    members: int
    topics: tuple[TopicLag, ...]


@dataclass(frozen=True, kw_only=True)
class Report:
    """`retry`: tier -> intents that wait in it; `dead_letters`: topic -> records kept; `connections`: state -> providers."""

    groups: tuple[GroupStatus, ...]
    retry: Mapping[str, int]
    dead_letters: Mapping[str, int]
    connections: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class _Ends:
    """The offsets of the oldest record kept and of the next to come."""

    first: Mapping[TopicPartition, int]
    next: Mapping[TopicPartition, int]

    def of(self, topic: str) -> list[TopicPartition]:
        return [partition for partition in self.next if partition.topic == topic]

    def kept(self, topic: str) -> int:
        return sum(self.next[partition] - self.first[partition] for partition in self.of(topic))


async def gather(admin: AIOKafkaAdminClient, consumer: AIOKafkaConsumer, topics: Topics) -> Report:
    """Raises CommandError when a topic is missing, NotReadyError, KafkaError. Takes no part in any group."""
    retry_topics = {tier_name(tier): topics.retry(tier) for tier in topics.tiers}
    consumed = {
        topics.fold_app: (topics.class_events,),
        topics.execute_app: (topics.intents, topics.intents_bulk, topics.connections),
        topics.redeliver_group: tuple(retry_topics.values()),
    }
    dead_letter_topics = (topics.class_events_dlq, topics.intents_dlq)
    names = [name for group in consumed.values() for name in group]
    ends = await _ends(admin, consumer, [*names, *dead_letter_topics, topics.connection_status])
    await check_access(admin, access_of("status", topics))
    groups = [await _group(admin, group, group_topics, ends) for group, group_topics in consumed.items()]
    waiting = {lag.topic: lag.lag for lag in groups[-1].topics}
    return Report(
        groups=tuple(groups),
        retry={tier: waiting[topic] for tier, topic in retry_topics.items()},
        dead_letters={topic: ends.kept(topic) for topic in dead_letter_topics},
        connections=await _connections(consumer, ends, topics.connection_status),
    )


async def _ends(admin: AIOKafkaAdminClient, consumer: AIOKafkaConsumer, names: Sequence[str]) -> _Ends:
    found = await require_topics(admin, *names)
    partitions = [TopicPartition(name, partition) for name in names for partition in sorted(found[name])]
    return _Ends(first=await consumer.beginning_offsets(partitions), next=await consumer.end_offsets(partitions))


async def _group(admin: AIOKafkaAdminClient, group: str, topics: Sequence[str], ends: _Ends) -> GroupStatus:
    # In this order: a coordinator that still reads tells it of the membership, while of the offsets aiokafka makes "none committed".
    state, members = await _coordinated(lambda: _membership(admin, group))
    committed: Mapping[TopicPartition, Any] = await _coordinated(lambda: admin.list_consumer_group_offsets(group))
    lags = []
    for topic in topics:
        lag = 0
        for partition in ends.of(topic):
            done = committed[partition].offset if partition in committed else -1
            lag += max(0, ends.next[partition] - max(done, ends.first[partition]))
        lags.append(TopicLag(topic=topic, lag=lag, partitions=len(ends.of(topic))))
    return GroupStatus(group=group, state=state, members=members, topics=tuple(lags))


async def _membership(admin: AIOKafkaAdminClient, group: str) -> tuple[str, int]:
    (response,) = await admin.describe_consumer_groups([group])
    described = response.to_object()["groups"][0]
    if described["error_code"]:
        raise for_code(described["error_code"])(f"group {group}")
    return described["state"], len(described["members"])


async def _coordinated(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask again while the group has no coordinator yet. Raises what the brokers said when it takes too long."""
    deadline = asyncio.get_running_loop().time() + COORDINATOR_SECONDS
    while True:
        try:
            return await ask()
        except _NOT_YET:
            if asyncio.get_running_loop().time() >= deadline:
                raise
        await asyncio.sleep(_PAUSE)


async def _connections(consumer: AIOKafkaConsumer, ends: _Ends, topic: str) -> dict[str, int]:
    """The topic is compacted by provider: the newest record of each key is the state."""
    rows = await newest_rows(consumer, ends.of(topic))
    counts = Counter(_state_of(row) for row in rows.values() if row is not None)
    known = {state.value: counts.pop(state.value, 0) for state in ConnectionState}
    return known | dict(counts)


def _state_of(row: bytes) -> str:
    try:
        return decode_status(row).state.value
    except ContractViolation:
        return _UNREADABLE
