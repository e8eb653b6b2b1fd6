"""Where a table keeps its rows on this machine: one store per partition, in memory or in RocksDB.

A row is raw bytes. RocksDB keeps the changelog offset up to which it is filled in the same write batch as the rows, so a store can never
claim rows that it does not have.
"""

import bisect
import logging
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import rocksdict

__all__ = ["MemoryPartition", "PartitionStore", "RocksPartition", "open_partition"]

log = logging.getLogger(__name__)

_OFFSET_KEY = b"\xff\xffimpact-changelog-offset"


class PartitionStore(Protocol):
    """The rows of one partition of one table."""

    def get(self, key: bytes) -> bytes | None: ...

    def write(self, rows: Mapping[bytes, bytes | None], offset: int | None) -> None:
        """Put rows (None deletes), and remember the changelog offset of the last of them, at once or not at all."""
        ...

    def scan(self, start: bytes, prefix: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """Rows in key order, from `start` (and not before `prefix`), as long as keys begin with `prefix`."""
        ...

    def offset(self) -> int | None:
        """Changelog offset of the last row written; None for a store that is filled from the beginning."""
        ...

    def clear(self) -> None:
        """Throw every row and the offset away, to be filled from the beginning."""
        ...

    def close(self) -> None: ...


class MemoryPartition:
    """Rows in a dict; scans sort the keys when they changed since the last scan."""

    def __init__(self) -> None:
        self._rows: dict[bytes, bytes] = {}
        self._sorted: list[bytes] | None = None

    def get(self, key: bytes) -> bytes | None:
        return self._rows.get(key)

    def write(self, rows: Mapping[bytes, bytes | None], offset: int | None) -> None:
        for key, row in rows.items():
            if row is None:
                if self._rows.pop(key, None) is not None:
                    self._sorted = None
            else:
                if key not in self._rows:
                    self._sorted = None
                self._rows[key] = row

    def scan(self, start: bytes, prefix: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        if self._sorted is None:
            self._sorted = sorted(self._rows)
        keys = self._sorted
        for index in range(bisect.bisect_left(keys, max(start, prefix)), len(keys)):
            key = keys[index]
            if not key.startswith(prefix):
                return
            row = self._rows.get(key)
            if row is not None:
                yield key, row

    def offset(self) -> int | None:
        return None

    def clear(self) -> None:
        self._rows.clear()
        self._sorted = None

    def close(self) -> None:
        self.clear()


class RocksPartition:
    """Rows in a RocksDB of their own. A damaged database is thrown away and filled again from the changelog.

    Damage that shows only when a row is read raises, which ends the worker; the next start throws the database away.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._damaged = path.with_name(path.name + ".damaged")
        path.parent.mkdir(parents=True, exist_ok=True)
        if self._damaged.exists():
            log.error("table store was found damaged and will be rebuilt from its changelog", extra={"path": str(path)})
            shutil.rmtree(path, ignore_errors=True)
            self._damaged.unlink()
        try:
            self._db = self._open()
        except Exception as error:
            if str(path / "LOCK") in str(error):
                raise  # another process has it
            log.error("table store is damaged and will be rebuilt from its changelog", extra={"path": str(path), "error": str(error)})
            shutil.rmtree(path, ignore_errors=True)
            self._db = self._open()

    def _open(self) -> Any:
        options = rocksdict.Options(raw_mode=True)
        options.create_if_missing(True)
        options.set_write_buffer_size(32 * 1024 * 1024)
        options.set_max_write_buffer_number(3)
        options.set_max_background_jobs(2)
        options.set_keep_log_file_num(2)
        table = rocksdict.BlockBasedOptions()
        table.set_bloom_filter(10, False)
        table.set_block_cache(rocksdict.Cache(32 * 1024 * 1024))
        options.set_block_based_table_factory(table)
        return rocksdict.Rdict(str(self._path), options=options)

    def get(self, key: bytes) -> bytes | None:
        try:
            row: bytes | None = self._db.get(key)
        except Exception as error:
            self._remember_damage(error)
            raise
        return row

    def _remember_damage(self, error: Exception) -> None:
        """rocksdict has no class of its own for it."""
        if "Corruption" in str(error):
            self._damaged.touch()

    def write(self, rows: Mapping[bytes, bytes | None], offset: int | None) -> None:
        batch = rocksdict.WriteBatch(raw_mode=True)
        for key, row in rows.items():
            if row is None:
                batch.delete(key)
            else:
                batch.put(key, row)
        if offset is not None:
            batch.put(_OFFSET_KEY, b"%d" % offset)
        self._db.write(batch)

    def scan(self, start: bytes, prefix: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        found = self._db.iter()
        found.seek(max(start, prefix))
        while found.valid():
            key = found.key()
            if not key.startswith(prefix):
                return
            if key != _OFFSET_KEY:
                yield key, found.value()
            found.next()
        try:
            found.status()  # where a block cannot be read an iterator just ends
        except Exception as error:
            self._remember_damage(error)
            raise

    def offset(self) -> int | None:
        raw = self._db.get(_OFFSET_KEY)
        return int(raw) if raw is not None else None

    def clear(self) -> None:
        self._db.close()
        shutil.rmtree(self._path)
        self._db = self._open()

    def close(self) -> None:
        self._db.close()


def open_partition(kind: str, directory: Path, table: str, partition: int) -> PartitionStore:
    """`kind`: `memory` or `rocksdb`."""
    if kind == "memory":
        return MemoryPartition()
    return RocksPartition(directory / table / str(partition))
