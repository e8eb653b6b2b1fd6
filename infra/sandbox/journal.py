"""The journal: what was asked of the simulated services and what they answered, in a bounded ring, and counts that are never cut."""

from collections import Counter, deque
from itertools import islice

import msgspec

__all__ = ["Entry", "Journal"]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One request. `status` 0 = the connection was cut without an answer. `concurrency`: calls under way at once for that mailbox,
    this one counted, when it came. `time`: seconds since the epoch."""

    seq: int
    time: float
    service: str
    operation: str
    email: str | None
    event_id: str | None
    status: int
    fault: str | None
    concurrency: int
    notifications: int


class Journal:
    def __init__(self, size: int) -> None:
        self._ring: deque[Entry] = deque(maxlen=size)
        self._seq = 0
        self.counts: Counter[tuple[str, str, int]] = Counter()

    def next_seq(self) -> int:
        self._seq += 1
        return self._seq

    def write(self, entry: Entry) -> None:
        self._ring.append(entry)
        self.counts[(entry.service, entry.operation, entry.status)] += 1

    def select(self, *, service: str | None, operation: str | None, email: str | None) -> list[Entry]:
        return [
            entry
            for entry in self._ring
            if (service is None or entry.service == service)
            and (operation is None or entry.operation == operation)
            and (email is None or entry.email == email)
        ]

    def latest(self, number: int) -> list[Entry]:
        """The newest first."""
        return list(islice(reversed(self._ring), number))

    def clear(self) -> None:
        self._ring.clear()
        self.counts.clear()
