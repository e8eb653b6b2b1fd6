"""Mailboxes and the events in them, in a form that both services share. Each service keeps its own resource in `raw`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

__all__ = ["OTHER_CALENDAR", "PRIMARY", "Mailbox", "Mailboxes", "StoredEvent"]

PRIMARY = "primary"
OTHER_CALENDAR = "other"


@dataclass(kw_only=True, slots=True, eq=False)
class StoredEvent:
    """`raw`: the service's own resource as it is kept. `start`/`end`: aware instants in UTC. `private`: the private properties.

    `id`: what the service calls it for ever (Graph: the immutable id). `alias`: Graph's other id, which changes when the event moves.
    `standing`: neither deleted nor cancelled. `created_seq`/`updated_seq`: positions in the sandbox's one count of changes.
    """

    id: str
    alias: str
    raw: dict[str, Any]
    start: datetime
    end: datetime
    private: Mapping[str, str]
    created_seq: int
    updated_seq: int
    calendar: str = PRIMARY
    standing: bool = True


@dataclass(kw_only=True, slots=True, eq=False)
class Mailbox:
    """`in_flight`: calendar calls under way now; `max_in_flight`: the most there ever were. `transactions`: Graph's transactionIds.
    `marks`: events by their private mark, for counting duplicates."""

    service: str
    email: str
    events: dict[str, StoredEvent] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    transactions: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    marks: dict[frozenset[tuple[str, str]], list[StoredEvent]] = field(default_factory=dict)
    in_flight: int = 0
    max_in_flight: int = 0
    duplicates: int = 0
    notifications: int = 0
    recent_calls: list[float] = field(default_factory=list)

    def add(self, event: StoredEvent) -> None:
        self.events[event.id] = event
        self.aliases[event.alias] = event.id

    def find(self, id: str) -> StoredEvent | None:
        event = self.events.get(id)
        if event is None and id in self.aliases:
            event = self.events.get(self.aliases[id])
        return event

    def rename(self, event: StoredEvent, alias: str) -> None:
        self.aliases.pop(event.alias, None)
        event.alias = alias
        self.aliases[alias] = event.id

    def remove(self, event: StoredEvent) -> None:
        self.events.pop(event.id, None)
        self.aliases.pop(event.alias, None)

    def standing(self) -> list[StoredEvent]:
        return [event for event in self.events.values() if event.standing]


class Mailboxes:
    def __init__(self) -> None:
        self._all: dict[tuple[str, str], Mailbox] = {}
        self._seq = 0

    def next_seq(self) -> int:
        self._seq += 1
        return self._seq

    def of(self, service: str, email: str) -> Mailbox:
        """The mailbox of a user, made when it is not there."""
        key = (service, email)
        mailbox = self._all.get(key)
        if mailbox is None:
            mailbox = self._all[key] = Mailbox(service=service, email=email)
        return mailbox

    def get(self, service: str, email: str) -> Mailbox | None:
        return self._all.get((service, email))

    def __iter__(self) -> Iterator[Mailbox]:
        return iter(sorted(self._all.values(), key=lambda mailbox: (mailbox.service, mailbox.email)))

    def clear(self) -> None:
        self._all.clear()
        self._seq = 0
