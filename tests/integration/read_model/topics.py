"""The topics of one test, filled as the booking system, the fold and execution fill them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
from aiokafka import AIOKafkaProducer

from schemas.codec import encode
from schemas.connections import ConnectionState, ConnectionStatus, Service
from schemas.intents import Intent, Lane
from schemas.outcomes import Outcome, OutcomeKind
from streams.domain.fold import fold_records
from streams.engine.kafka_clients import producer_options
from streams.settings import Settings
from tests.integration.read_model.folding import Record
from tests.support.histories import Line

__all__ = ["Filler", "filler", "intents_of"]


def intents_of(lines: Iterable[Line]) -> list[Intent]:
    """What the fold makes of the lines."""
    records = [Record(line.key, line.value, headers=line.headers) for line in lines]
    return [msgspec.json.decode(value, type=Intent) for _, value in fold_records(records, lambda _: None).intents]


@dataclass
class Filler:
    settings: Settings
    producer: AIOKafkaProducer

    async def lines(self, lines: Sequence[Line]) -> None:
        """Confirmed, each class in its order."""
        await self._send(self.settings.topics.class_events, [(line.key, line.value, line.headers) for line in lines])

    async def intents(self, intents: Sequence[Intent]) -> None:
        await self._send(self.settings.topics.intents, [(intent.provider_id.encode(), encode(intent), ()) for intent in intents])

    async def outcomes(self, intents: Sequence[Intent]) -> None:
        """As if every intent was executed at once."""
        outcomes = [
            Outcome(
                intent_id=intent.id,
                provider_id=intent.provider_id,
                class_id=intent.class_id,
                revision=intent.revision,
                kind=OutcomeKind.CREATED if intent.entry is not None else OutcomeKind.DELETED,
                at=datetime.now(UTC),
                lane=Lane.LIVE,
                service=Service.GOOGLE,
                remote_id="remote" if intent.entry is not None else None,
            )
            for intent in intents
        ]
        await self._send(self.settings.topics.outcomes, [(found.provider_id.encode(), encode(found), ()) for found in outcomes])

    async def connected(self, provider_ids: Iterable[str]) -> None:
        now = datetime.now(UTC)
        statuses = [
            ConnectionStatus(
                provider_id=provider_id,
                grant_id="g",
                service=Service.GOOGLE,
                email=f"{provider_id}@example.com",
                state=ConnectionState.CONNECTED,
                connected_at=now,
                changed_at=now,
            )
            for provider_id in provider_ids
        ]
        await self._send(self.settings.topics.connection_status, [(found.provider_id.encode(), encode(found), ()) for found in statuses])

    async def _send(self, topic: str, records: Sequence[tuple[bytes | None, bytes | None, tuple[tuple[str, bytes], ...]]]) -> None:
        for key, value, headers in records:
            partition = 0 if key is None else None
            await self.producer.send(topic, value, key=key, headers=list(headers), partition=partition)
        await self.producer.flush()


async def filler(settings: Settings) -> Filler:
    """Its producer is started; the caller stops it."""
    producer = AIOKafkaProducer(**producer_options(settings.kafka))
    await producer.start()
    return Filler(settings, producer)
