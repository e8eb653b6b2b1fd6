"""The booking system's part: domain events to the topic of class events, confirmed."""

import asyncio
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime

from aiokafka import AIOKafkaProducer

from schemas.envelope import CONTENT_TYPE, STRUCTURED, encode_event
from schemas.events import ClassEvent

__all__ = ["Booking"]


class Booking:
    def __init__(self, producer: AIOKafkaProducer, topic: str) -> None:
        self._producer = producer
        self._topic = topic

    async def publish(self, *events: ClassEvent) -> None:
        """Returns when the brokers have them all."""
        now = datetime.now(UTC)
        await self.publish_raw([(event.class_id, encode_event(event, id=str(uuid.uuid4()), time=now)) for event in events])

    async def publish_raw(self, records: Sequence[tuple[str, bytes]]) -> None:
        """(class_id, payload): whatever the payload is, right or wrong."""
        headers = [(CONTENT_TYPE, STRUCTURED)]
        sent = [await self._producer.send(self._topic, key=key.encode(), value=value, headers=headers) for key, value in records]
        await asyncio.gather(*sent)
