"""What the execute workers know of connections: the newest row of each provider in the changelog of their table."""

from collections.abc import Collection

from aiokafka import TopicPartition

from streams.cli.brokers import admin_client, consumer_client
from streams.domain.connection import Connection, decode_connection_row
from streams.engine.topic_admin import leaders_of
from streams.settings import Settings

__all__ = ["known_connections"]


async def known_connections(settings: Settings, provider_ids: Collection[str]) -> dict[str, Connection]:
    """By provider, of those asked for. Empty where no worker ever ran. Raises CommandError: no broker."""
    topic = settings.topics.connections_changelog
    async with admin_client(settings.kafka) as admin:
        found = (await leaders_of(admin, [topic])).get(topic, {})
    partitions = [TopicPartition(topic, partition) for partition in sorted(found)]
    rows: dict[bytes, bytes | None] = {}
    wanted = {provider_id.encode() for provider_id in provider_ids}
    if not partitions:
        return {}
    async with consumer_client(settings.kafka) as consumer:
        ends = await consumer.end_offsets(partitions)
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        while any([await consumer.position(partition) < ends[partition] for partition in partitions]):
            for records in (await consumer.getmany(*partitions, timeout_ms=1000)).values():
                rows.update((record.key, record.value) for record in records if record.key in wanted)
    return {key.decode(): decode_connection_row(row) for key, row in rows.items() if row is not None}
