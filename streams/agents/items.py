"""One intent on its way through the execute worker, with the record it came in."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from schemas.intents import Intent, Lane
from streams.domain.retry import Source, Tried, not_before, tried

__all__ = ["Forget", "Item", "Key", "newest", "rests_until"]

#: Partition, provider_id, class_id: what is executed by one writer at a time.
Key = tuple[int, str, str]


@dataclass(kw_only=True)
class Item:
    """`done` releases the record: its offset may be committed once every record before it is done too."""

    intent: Intent
    lane: Lane
    source: Source
    key: bytes | None
    value: bytes | None = field(repr=False)
    headers: Sequence[tuple[str, bytes]]
    done: Callable[[], None]

    @property
    def tried(self) -> Tried:
        return tried(self.headers)


@dataclass(frozen=True, kw_only=True)
class Forget:
    """Forget the entry, if it is old on `today`; goes through the executor, so that it has one writer."""

    today: date
    days: int


def newest(items: Sequence[Item]) -> Item:
    """The item that decides; of equal revisions the one tried most often, so that attempts are not forgotten."""
    return max(items, key=lambda item: (item.intent.revision, item.tried.attempts))


def rests_until(items: Sequence[Item]) -> datetime | None:
    """Before when nobody may call, by the retries among the newest; None where one of them is no retry that waits (a sweep, say)."""
    revision = newest(items).intent.revision
    waits = [not_before(item.headers) for item in items if item.intent.revision == revision]
    return None if None in waits else min(wait for wait in waits if wait is not None)
