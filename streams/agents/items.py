"""One intent on its way through the execute worker, with the record it came in."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date

from schemas.intents import Intent, Lane
from streams.domain.retry import Source, Tried, tried

__all__ = ["Forget", "Item", "Key", "newest"]

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
