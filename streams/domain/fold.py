"""The fold of a run of raw records: states, intents and dead letters out. Pure: the agent only moves what this decides."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Protocol

from schemas.codec import encode
from schemas.envelope import ReceivedEvent, decode_event
from schemas.errors import ContractViolation
from streams.domain.evolve import Position, evolve, position
from streams.domain.intents import Cause, derive_intents, may_differ
from streams.domain.state import ClassState

__all__ = ["DeadLetter", "FoldResult", "RawRecord", "fold_records", "happened_at", "heard_on"]


class RawRecord(Protocol):
    """A Kafka record as it was consumed. `timestamp`: Unix milliseconds, -1 for none."""

    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]
    timestamp: int
    offset: int


@dataclass(frozen=True)
class DeadLetter:
    record: RawRecord
    violation: ContractViolation


@dataclass
class FoldResult:
    """`states`: the last state of each class that changed. `intents`: (provider_id, payload) in the order of their events."""

    states: dict[bytes, ClassState] = field(default_factory=dict)
    intents: list[tuple[bytes, bytes]] = field(default_factory=list)
    dead_letters: list[DeadLetter] = field(default_factory=list)
    folded: int = 0
    repeats: int = 0
    #: class_id and version of events that came after missing versions.
    gaps: list[tuple[str, int]] = field(default_factory=list)


def fold_records(records: Iterable[RawRecord], state_of: Callable[[bytes], ClassState | None]) -> FoldResult:
    """Fold records of one partition, in order. `state_of` gives the state of a class before the run."""
    result = FoldResult()
    for record in records:
        try:
            received = decode_event(record.key, record.value, record.headers)
        except ContractViolation as violation:
            result.dead_letters.append(DeadLetter(record, violation))
            continue
        _fold_one(result, received, record.timestamp, state_of)
    return result


def _fold_one(result: FoldResult, received: ReceivedEvent, timestamp: int, state_of: Callable[[bytes], ClassState | None]) -> None:
    event = received.event
    key = event.class_id.encode()
    before = result.states.get(key)
    if before is None:
        before = state_of(key)
    where = position(before, event)
    if where is Position.REPEAT:
        result.repeats += 1
        return
    if where is Position.GAP:
        result.gaps.append((event.class_id, event.version))
    happened = happened_at(received.time, timestamp)
    after = evolve(before, event, heard_on(before, happened, timestamp))
    result.states[key] = after
    result.folded += 1
    if may_differ(before, after):
        cause = Cause(event_id=received.id, type=received.type, occurred_at=happened)
        result.intents += [(intent.provider_id.encode(), encode(intent)) for intent in derive_intents(event.class_id, before, after, cause)]


def happened_at(time: datetime | None, timestamp: int) -> datetime | None:
    """When the event happened, in UTC: what it says itself, else when it was published. None for no time, or one that no UTC time is."""
    try:
        if time is not None:
            if time.tzinfo is UTC:
                return time
            return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
        return datetime.fromtimestamp(timestamp / 1000, UTC) if timestamp >= 0 else None
    except (OverflowError, ValueError):  # 0001-01-01T00:00:00+05:00, or a producer's clock gone mad
        return None


def heard_on(before: ClassState | None, happened: datetime | None, timestamp: int) -> date | None:
    """The day (UTC) of an event for `evolve`. For a class that is not known yet that of its publishing, where that is later.

    So a roster of long ago that is loaded today is kept until its class is known, as one of today is.
    """
    if before is None or before.details is None:
        published = happened_at(None, timestamp)
        if happened is None or (published is not None and published > happened):
            happened = published
    return None if happened is None else happened.date()
