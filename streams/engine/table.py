"""A Faust table of raw rows whose partition is said, whose changelog is confirmed, and which can be scanned in key order."""

import asyncio
import logging
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import faust
from faust.stores.base import Store
from faust.types import TP

from streams.engine.held import HeldPartition, IsNewer
from streams.engine.producer import ConfirmedProducer
from streams.engine.store import PartitionStore, open_partition

__all__ = ["ChangelogTable", "PartitionMovedError"]

log = logging.getLogger(__name__)

Rows = Mapping[bytes, bytes | None]


class PartitionMovedError(LookupError):
    """A table was asked for a partition of another worker: its rows here would be old, and a row written from here would be a zombie's."""


class PartitionedStore(Store):  # type: ignore[misc]
    """The stores of the partitions that this worker holds, opened at assignment and closed at revocation."""

    kind: str
    directory: Path
    is_newer: IsNewer | None

    def on_init(self) -> None:
        self.partitions: dict[int, HeldPartition] = {}

    def partition(self, number: int) -> HeldPartition:
        """Raises PartitionMovedError for a partition that this worker does not hold."""
        held = self.partitions.get(number)
        if held is None:
            raise PartitionMovedError(f"partition {number} of table {self.table_name} is not held by this worker")
        return held

    def persisted_offset(self, tp: TP) -> int | None:
        return self.partition(tp.partition).store.offset()

    async def on_rebalance(self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP], generation_id: int = 0) -> None:
        held = {tp.partition for tp in self.app.assignor.assigned_actives() if tp.topic in self.table.changelog_topic.topics}
        for number in [number for number in self.partitions if number not in held]:
            self.partitions.pop(number).close()
        for number in held - self.partitions.keys():
            store = open_partition(self.kind, self.directory, self.table_name, number)
            self.partitions[number] = HeldPartition(store, is_newer=self.is_newer)

    def apply_changelog_batch(self, batch: Any, to_key: Any, to_value: Any) -> None:
        raise RuntimeError("Faust read a changelog that engine.recovery reads")

    def reset_state(self) -> None:
        """Faust's command line asks for it (`reset`); the stores are filled again from the changelog when they are gone."""
        shutil.rmtree(self.directory, ignore_errors=True)

    async def backup_partition(self, tp: Any, flush: bool = True, purge: bool = False, keep: int = 1) -> None:
        raise RuntimeError("a store needs no backup: it is filled from its changelog")

    def restore_backup(self, tp: Any, latest: bool = True, backup_id: int = 0) -> None:
        raise RuntimeError("a store needs no backup: it is filled from its changelog")

    async def on_stop(self) -> None:
        for held in self.partitions.values():
            held.close()
        self.partitions.clear()


class ChangelogTable(faust.Table):  # type: ignore[misc]
    """Differs from faust.Table where that loses or misplaces rows: its changelog is best effort, goes to the partition of whatever event is
    current, and the local store can be ahead of it. Here a row is local only once the broker has it.
    """

    def configure(self, *, kind: str, directory: Path, producer: ConfirmedProducer, is_newer: IsNewer | None) -> None:
        """`kind`: memory or rocksdb. `directory` belongs to this process alone. `is_newer` tells rows of a zombie (see HeldPartition)."""
        self._kind = kind
        self._directory = directory
        self._confirmed = producer
        self._is_newer = is_newer

    def _new_store(self) -> PartitionedStore:
        url = "memory://"  # never opened by url; Faust wants one
        store = PartitionedStore(url, self.app, self, table_name=self.name)
        store.kind, store.directory, store.is_newer = self._kind, self._directory, self._is_newer
        return store

    def held(self, number: int) -> HeldPartition:
        """Raises PartitionMovedError."""
        held: HeldPartition = self.data.partition(number)
        return held

    def partition_store(self, number: int) -> PartitionStore:
        return self.held(number).store

    def held_partitions(self) -> list[int]:
        return sorted(self.data.partitions)

    def get_row(self, partition: int, key: bytes) -> bytes | None:
        return self.partition_store(partition).get(key)

    def scan(self, partition: int, start: bytes = b"", prefix: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        return self.partition_store(partition).scan(start, prefix)

    async def write(self, partition: int, rows: Rows, *, later: bool = False) -> asyncio.Future[Any]:
        """Send rows (None deletes) to the changelog; they become local when the future resolves, in the order of the changelog.

        `later`: see ConfirmedProducer. Raises PartitionMovedError.
        """
        held = self.held(partition)

        def make_local(last_offset: int) -> None:
            self._make_local(held, partition, rows, last_offset)

        topic = self.changelog_topic.get_topic_name()
        return await self._confirmed.send_batch(topic, partition, rows.items(), then=make_local, later=later)

    async def write_row(self, partition: int, key: bytes, row: bytes | None, *, later: bool = False) -> asyncio.Future[Any]:
        """One row; many at once share record batches."""
        held = self.held(partition)

        def make_local(offset: int) -> None:
            self._make_local(held, partition, {key: row}, offset)

        topic = self.changelog_topic.get_topic_name()
        return await self._confirmed.send(topic, key, row, partition=partition, then=make_local, later=later)

    def _make_local(self, held: HeldPartition, partition: int, rows: Rows, offset: int) -> None:
        if self.data.partitions.get(partition) is held:
            held.confirmed(rows, offset)
        else:
            log.info("a row was confirmed after its partition went to another worker", extra={"partition": partition})

    def apply_changelog_batch(self, batch: Any) -> None:
        """Recovery reads changelogs by itself (engine.recovery); Faust's buffers stay empty."""
        if batch:
            raise RuntimeError("Faust read a changelog that engine.recovery reads")
