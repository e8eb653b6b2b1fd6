"""Why: the topics that tell what became of each change, followed from their beginning."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas import headers as names
from schemas.codec import decode_intent, decode_outcome, decode_status
from schemas.connections import ConnectionStatus
from schemas.events import short_name
from schemas.intents import Intent
from schemas.outcomes import Outcome
from schemas.topics import Topics
from streams.cli.brokers import consumer_client
from streams.settings import Settings

__all__ = ["Audit", "DeadLetter"]


@dataclass(frozen=True, kw_only=True)
class DeadLetter:
    """`value`: the bytes as they were published."""

    value: bytes
    reason: str


class Audit:
    """What the product published so far, as far as it was read; `follow` reads on until it is cancelled."""

    def __init__(self, topics: Topics) -> None:
        self._intents: dict[str, Intent] = {}
        self._outcomes: dict[tuple[str, str], list[Outcome]] = defaultdict(list)
        self._dead_letters: dict[str, DeadLetter] = {}
        self._status: dict[str, ConnectionStatus] = {}
        self._values: list[bytes] = []
        self._readers: dict[str, Callable[[bytes, dict[str, bytes]], None]] = {
            topics.intents: self._read_intent,
            topics.outcomes: self._read_outcome,
            topics.connection_status: self._read_status,
        }
        self._dlq = topics.class_events_dlq

    async def follow(self, settings: Settings) -> None:
        """Raises CommandError when the broker is gone."""
        async with consumer_client(settings.kafka) as consumer:
            wanted = [*self._readers, self._dlq]
            partitions = [TopicPartition(name, number) for name in wanted for number in range(settings.topic_partitions)]
            consumer.assign(partitions)
            await consumer.seek_to_beginning(*partitions)
            while True:
                await self._read(consumer)

    async def _read(self, consumer: AIOKafkaConsumer) -> None:
        for tp, records in (await consumer.getmany(timeout_ms=100)).items():
            for record in records:
                headers = dict(record.headers)
                if tp.topic == self._dlq:
                    reason = headers[names.DEAD_LETTER_REASON].decode()
                    self._dead_letters[record.key.decode()] = DeadLetter(value=record.value, reason=reason)
                elif record.value is not None:
                    self._values.append(record.value)
                    self._readers[tp.topic](record.value, headers)

    def _read_intent(self, value: bytes, _headers: dict[str, bytes]) -> None:
        intent = decode_intent(value)
        self._intents[intent.id] = intent

    def _read_outcome(self, value: bytes, _headers: dict[str, bytes]) -> None:
        outcome = decode_outcome(value)
        self._outcomes[outcome.provider_id, outcome.class_id].append(outcome)

    def _read_status(self, value: bytes, _headers: dict[str, bytes]) -> None:
        status = decode_status(value)
        self._status[status.provider_id] = status

    def outcomes(self, provider_id: str, class_id: str, revision: int) -> Sequence[Outcome]:
        """In the order in which they happened."""
        return [outcome for outcome in self._outcomes[provider_id, class_id] if outcome.revision == revision]

    def cause(self, intent_id: str) -> str | None:
        """The short type of the domain event behind an intent (`class.rescheduled`); None when the intent is not read yet."""
        intent = self._intents.get(intent_id)
        return short_name(intent.cause) if intent is not None else None

    def intents_of(self, class_id: str) -> int:
        return sum(intent.class_id == class_id for intent in self._intents.values())

    def dead_letter(self, class_id: str) -> DeadLetter | None:
        """The newest of a class."""
        return self._dead_letters.get(class_id)

    def status(self, provider_id: str) -> ConnectionStatus | None:
        return self._status.get(provider_id)

    def mentions(self, text: str) -> bool:
        """Whether any intent, outcome or status holds the text."""
        needle = text.encode()
        return any(needle in value for value in self._values)
