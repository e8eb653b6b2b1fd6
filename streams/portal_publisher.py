"""What the portal publishes: connection.granted and connection.revoked, keyed by provider, confirmed by all in-sync replicas."""

import asyncio
import logging
from datetime import timedelta
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import ClusterAuthorizationFailedError, KafkaConnectionError, KafkaError, TopicAuthorizationFailedError

from adapters.portal.ports import PublishFailed
from schemas.codec import encode
from schemas.connections import ConnectionEvent, ConnectionGranted, ConnectionRevoked
from streams.engine.permissions import not_permitted
from streams.engine.refusal import why_refused

__all__ = ["KafkaConnectionPublisher"]

log = logging.getLogger(__name__)

#: Somebody waits for the page meanwhile.
_LOOK_SECONDS = 1.0
_HEADERS = [("content-type", b"application/json")]


class KafkaConnectionPublisher:
    """Connects at the first record, so that the portal shows its pages also while the brokers are away."""

    def __init__(self, options: dict[str, Any], *, topic: str, timeout: timedelta) -> None:
        """`options`: of the producer. `timeout` bounds connecting and the confirmation together."""
        self._options = options
        self._topic = topic
        self._timeout = timeout.total_seconds()
        self._producer: AIOKafkaProducer | None = None
        self._lock = asyncio.Lock()

    async def granted(self, event: ConnectionGranted) -> None:
        await self._publish(event)

    async def revoked(self, event: ConnectionRevoked) -> None:
        await self._publish(event)

    async def close(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.stop()

    async def _publish(self, event: ConnectionEvent) -> None:
        try:
            async with asyncio.timeout(self._timeout):
                producer = await self._started()
                await producer.send_and_wait(self._topic, encode(event), key=event.provider_id.encode(), headers=_HEADERS)
        except (KafkaError, TimeoutError, OSError) as error:
            reason = type(error).__name__
            log.error("a connection event is not published: %s", await self._why(error))
        else:
            return
        raise PublishFailed(reason)

    async def _why(self, error: Exception) -> str:
        match error:
            case TopicAuthorizationFailedError() | ClusterAuthorizationFailedError():
                return str(not_permitted([f"Write on topic {self._topic}"]))
            case KafkaConnectionError() | TimeoutError():
                return str(await why_refused(self._options, within=_LOOK_SECONDS) or f"no Kafka broker answers ({type(error).__name__})")
        return f"{type(error).__name__}: {error}"

    async def _started(self) -> AIOKafkaProducer:
        async with self._lock:
            if self._producer is None:
                producer = AIOKafkaProducer(**self._options)
                try:
                    await producer.start()
                except BaseException:
                    await producer.stop()
                    raise
                self._producer = producer
            return self._producer
