"""Clients for the length of one command, and what their errors mean for the operator."""

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaConnectionError, KafkaError, NodeNotReadyError

from streams.cli.errors import CommandError
from streams.engine.kafka_clients import admin_options, connection_options, consumer_options, producer_options
from streams.engine.not_ready import NotReadyError
from streams.engine.refusal import why_refused
from streams.engine.topic_admin import TopicsNotSettledError, leaders_of
from streams.settings import KafkaSettings, SettingError

__all__ = ["admin_client", "consumer_client", "newest_rows", "producer_client", "require_topics"]


@asynccontextmanager
async def admin_client(kafka: KafkaSettings) -> AsyncIterator[AIOKafkaAdminClient]:
    """Raises CommandError when the brokers cannot be reached or refuse, SettingError when it is a setting that they refuse.

    Also for what happens inside the block.
    """
    _quiet()
    client = AIOKafkaAdminClient(**admin_options(kafka))
    async with _started(kafka, client, client.close):
        yield client


@asynccontextmanager
async def producer_client(kafka: KafkaSettings) -> AsyncIterator[AIOKafkaProducer]:
    _quiet()
    client = AIOKafkaProducer(**producer_options(kafka), linger_ms=5)
    async with _started(kafka, client, client.stop):
        yield client


@asynccontextmanager
async def consumer_client(kafka: KafkaSettings) -> AsyncIterator[AIOKafkaConsumer]:
    """Without a group: partitions are assigned by the caller."""
    _quiet()
    client = AIOKafkaConsumer(**consumer_options(kafka, group=None))
    async with _started(kafka, client, client.stop):
        yield client


async def require_topics(admin: AIOKafkaAdminClient, *names: str) -> dict[str, dict[int, int]]:
    """Partition -> leader of each topic. Raises CommandError when one does not exist."""
    found = await leaders_of(admin, names)
    missing = [name for name in names if name not in found]
    if missing:
        raise CommandError(f"no such topic: {', '.join(missing)}. `impact-calendar topics apply` makes the topics.")
    return found


async def newest_rows(consumer: AIOKafkaConsumer, partitions: Sequence[TopicPartition]) -> dict[bytes, bytes | None]:
    """Of a compacted topic, read to where it ends now: the newest value of each key, None where that was taken back."""
    rows: dict[bytes, bytes | None] = {}
    if not partitions:
        return rows
    ends = await consumer.end_offsets(partitions)
    consumer.assign(partitions)
    await consumer.seek_to_beginning(*partitions)
    while any([await consumer.position(partition) < ends[partition] for partition in partitions]):
        for records in (await consumer.getmany(*partitions, timeout_ms=1000)).values():
            rows.update((record.key or b"", record.value) for record in records)
    return rows


@asynccontextmanager
async def _started(kafka: KafkaSettings, client: Any, close: Any) -> AsyncIterator[None]:
    address = ",".join(kafka.bootstrap_servers)
    try:
        try:
            await client.start()
            yield
        finally:
            await close()
    except (KafkaConnectionError, NodeNotReadyError):
        raise await _unreachable(kafka, address) from None
    except NotReadyError as error:
        raise CommandError(f"Kafka at {address}: {error}.") from None
    except (KafkaError, TopicsNotSettledError) as error:
        raise CommandError(f"Kafka at {address}: {error}") from error


async def _unreachable(kafka: KafkaSettings, address: str) -> SettingError | CommandError:
    refusal = await why_refused(connection_options(kafka))
    if isinstance(refusal, SettingError):
        return refusal
    if refusal is not None:
        return CommandError(f"Kafka at {address}: {refusal}.")
    return CommandError(
        f"no Kafka broker answers at {address} ({kafka.security_protocol}). "
        "Check IMPACT_KAFKA_BOOTSTRAP_SERVERS and IMPACT_KAFKA_SECURITY_PROTOCOL; `impact-calendar kafka` starts a local broker."
    )


def _quiet() -> None:
    """The command tells what went wrong itself, once."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
