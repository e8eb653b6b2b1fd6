"""One partition of a table as the worker that holds it sees it: its rows, and where its changelog goes on.

Only the holder writes to a changelog partition. Should another have written all the same (a worker that was stopped between the check of
its lease and the wire, docs/adr/010), nobody may take its own row for the one after the last it knows: the rows between would be lost here.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from streams.engine.store import PartitionStore

__all__ = ["ForeignRowsError", "HeldPartition", "IsNewer"]

log = logging.getLogger(__name__)

Rows = Mapping[bytes, bytes | None]
#: Whether the first row is of a later state than the second, of the same key.
IsNewer = Callable[[bytes, bytes], bool]


class ChangelogRecord(Protocol):
    """What is used of an aiokafka ConsumerRecord."""

    key: bytes
    value: bytes | None
    offset: int


class ForeignRowsError(Exception):
    """Another process wrote to the changelog of a partition that this worker holds. It has to be filled again."""


class HeldPartition:
    """`is_newer` None: of two rows the later in the changelog counts, whatever they hold."""

    def __init__(self, store: PartitionStore, *, is_newer: IsNewer | None = None) -> None:
        self.store = store
        self._is_newer = is_newer
        self._next: int | None = None
        self._overtaken: dict[bytes, bytes] = {}

    def refill(self, records: Iterable[ChangelogRecord]) -> None:
        """Take rows from the changelog, in its order. One that is older than the row before it was written by a zombie, and is left out."""
        rows: dict[bytes, bytes | None] = {}
        offset = None
        for record in records:
            offset = record.offset
            current = rows[record.key] if record.key in rows else self.store.get(record.key)
            if current is not None and record.value is not None and self._is_older(record.value, current):
                log.warning("an old row was written after a newer one; it is left out", extra={"offset": offset})
                self._overtaken[record.key] = current
                continue
            rows[record.key] = record.value
            self._overtaken.pop(record.key, None)
        if offset is not None:
            self.store.write(rows, offset)

    def _is_older(self, row: bytes, current: bytes) -> bool:
        return self._is_newer is not None and row != current and self._is_newer(current, row)

    def filled(self, next_offset: int) -> Mapping[bytes, bytes]:
        """Everything before `next_offset` was read. Rows to write once more: in the changelog the last of their key is an older one."""
        self._next = next_offset
        overtaken, self._overtaken = self._overtaken, {}
        return overtaken

    def confirmed(self, rows: Rows, last_offset: int) -> None:
        """The brokers have `rows`, the last of them at that offset: they are local now. Raises ForeignRowsError, and nothing is local."""
        first = last_offset + 1 - len(rows)
        if first != self._next:
            raise ForeignRowsError(f"rows were expected at offset {self._next} of a changelog and got {first}")
        self._next = last_offset + 1
        self.store.write(rows, last_offset)

    def close(self) -> None:
        self.store.close()
