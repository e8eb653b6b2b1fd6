"""What the execute workers know of connections: the newest row of each provider in the changelog of their table."""

from collections.abc import Collection

from aiokafka import TopicPartition

from schemas.access import Access
from streams.cli.brokers import admin_client, consumer_client, newest_rows
from streams.domain.connection import Connection, decode_connection_row
from streams.engine.permissions import check_access
from streams.engine.topic_admin import leaders_of
from streams.settings import Settings

__all__ = ["known_connections"]


async def known_connections(settings: Settings, provider_ids: Collection[str]) -> dict[str, Connection]:
    """By provider, of those asked for. Empty where no worker ever ran. Raises CommandError: no broker."""
    topic = settings.topics.connections_changelog
    async with admin_client(settings.kafka) as admin:
        found = (await leaders_of(admin, [topic])).get(topic, {})
        await check_access(admin, Access(reads=(topic,)))
    partitions = [TopicPartition(topic, partition) for partition in sorted(found)]
    if not partitions:
        return {}
    async with consumer_client(settings.kafka) as consumer:
        rows = await newest_rows(consumer, partitions)
    found_rows = {provider_id: rows.get(provider_id.encode()) for provider_id in provider_ids}
    return {provider_id: decode_connection_row(row) for provider_id, row in found_rows.items() if row is not None}
