"""What redelivery does with the records it reads, as pure functions: which are due, which one to wait for, where each goes."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from schemas import headers as names
from schemas.topics import MAX_IN_BYTES, Topics

__all__ = ["Outgoing", "Plan", "RetryRecord", "Routes", "make_plan", "tier_of"]

#: A due time further ahead than any tier and this cannot be meant: it would hold up its partition for ever.
_LONGEST_AHEAD_MS = 7 * 24 * 3600 * 1000
#: A record batch of one: 61 bytes of its own, at most 26 for the record's fields of variable length (Kafka message format 2).
_BATCH_OVERHEAD = 100
_MILLISECONDS = re.compile(rb"[0-9]{1,15}")


class RetryRecord(Protocol):
    """What is used of an aiokafka ConsumerRecord."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """For records of one partition, in order: `due` go back now; from offset `held_at` on they wait until `wake_at` (Unix ms).

    `undated`: how many of the due ones have a missing or garbled due time.
    """

    due: Sequence[RetryRecord]
    undated: int = 0
    held_at: int | None = None
    wake_at: int = 0


def make_plan(records: Sequence[RetryRecord], now: int) -> Plan:
    """`now`: Unix ms. Only the head of a partition is waited for: all of a tier wait equally long, so what is behind is due later."""
    undated = 0
    for index, record in enumerate(records):
        due_at = _due_at(record, now)
        if due_at is None:
            undated += 1
        elif due_at > now:
            return Plan(due=records[:index], undated=undated, held_at=record.offset, wake_at=due_at)
    return Plan(due=records, undated=undated)


@dataclass(frozen=True, kw_only=True)
class Outgoing:
    """Where a due record goes, and with which headers. `refused`: why it can only be a dead letter; None when it goes back."""

    topic: str
    headers: Sequence[tuple[str, bytes]]
    refused: str | None = None


@dataclass(frozen=True)
class Routes:
    """Where retries go back to."""

    topics: Topics

    def route(self, record: RetryRecord) -> Outgoing:
        """Back to the lane it came from, headers as they are; the live lane when its source is not told, or is none of ours."""
        size = _size(record)
        if size > MAX_IN_BYTES - _BATCH_OVERHEAD:
            return self._dead_letter(record, "too_large", f"the record has {size} bytes; {self.topics.intents} takes {MAX_IN_BYTES}")
        bulk = _header(record, names.SOURCE_TOPIC) == self.topics.intents_bulk.encode()
        return Outgoing(topic=self.topics.intents_bulk if bulk else self.topics.intents, headers=record.headers)

    def is_retry_topic(self, name: str) -> bool:
        """Also of tiers that are no longer in force: what waits there is still owed."""
        return name.startswith(f"{self.topics.intents}-retry-")

    def configured(self) -> frozenset[str]:
        return frozenset(map(self.topics.retry, self.topics.tiers))

    def _dead_letter(self, record: RetryRecord, code: str, reason: str) -> Outgoing:
        added = {names.DEAD_LETTER_CODE: code, names.DEAD_LETTER_REASON: reason}
        dropped = {names.DUE, names.NOT_BEFORE, *added}
        kept = [(name, value) for name, value in record.headers if name not in dropped]
        return Outgoing(topic=self.topics.intents_dlq, headers=[*kept, *((n, v.encode()) for n, v in added.items())], refused=code)


def tier_of(topic: str) -> str:
    """`30s` of `calendar.intents.v1-retry-30s`."""
    return topic.rpartition("-")[2]


def _size(record: RetryRecord) -> int:
    """Bytes that the record takes in a batch, rounded up."""
    return len(record.key or b"") + len(record.value or b"") + names.size_of(record.headers)


def _due_at(record: RetryRecord, now: int) -> int | None:
    raw = _header(record, names.DUE)
    if raw is None or not _MILLISECONDS.fullmatch(raw):
        return None
    due_at = int(raw)
    return due_at if due_at - now <= _LONGEST_AHEAD_MS else None


def _header(record: RetryRecord, name: str) -> bytes | None:
    return next((value for found, value in record.headers if found == name and value is not None), None)
