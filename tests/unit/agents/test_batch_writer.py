"""The read model's next batch is folded while the present one is written, and no more than a bounded part of it."""

import asyncio
from typing import Any

import pytest

from streams.agents.projection.writing import BatchWriter


class HeldStore:
    """Writes end when they are let go."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.held: list[asyncio.Event] = []
        self.error: Exception | None = None

    async def write(self, _batch: Any, positions: dict[tuple[str, int], int], _as_of: Any) -> None:
        self.sizes.append(sum(positions.values()))
        self.held.append(asyncio.Event())
        await self.held[-1].wait()
        if self.error is not None:
            raise self.error


class Folder:
    def seal(self, _folded: Any) -> None:
        """Nothing to do."""


def made(store: HeldStore, most: int) -> BatchWriter:
    anything: Any = store
    folder: Any = Folder()
    return BatchWriter(anything, folder, lambda _counts: None, most)


def fold(writer: BatchWriter, records: int) -> None:
    writer.pending.counts["topic", "folded"] += records
    writer.pending.positions["topic", 0] = records


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_what_is_folded_during_a_write_is_the_next_batch() -> None:
    store = HeldStore()
    writer = made(store, most=10)
    fold(writer, 3)
    await writer.submit(None)
    await settle()
    fold(writer, 5)
    await writer.submit(None)
    assert store.sizes == [3]
    store.held[0].set()
    await settle()
    assert store.sizes == [3, 5]
    store.held[1].set()
    await writer.drain()


async def test_who_folds_too_far_ahead_waits_until_the_next_write_begins_and_no_longer() -> None:
    store = HeldStore()
    writer = made(store, most=10)
    fold(writer, 3)
    await writer.submit(None)
    await settle()
    fold(writer, 10)
    ahead = asyncio.create_task(writer.submit(None))
    await settle()
    assert not ahead.done()
    store.held[0].set()
    await settle()
    assert ahead.done(), "the second write is under way, and the fold goes on beside it"
    assert store.sizes == [3, 10]
    store.held[1].set()
    await writer.drain()


async def test_a_write_that_fails_comes_out_of_the_call_that_waits_for_it() -> None:
    store = HeldStore()
    writer = made(store, most=10)
    fold(writer, 3)
    await writer.submit(None)
    await settle()
    fold(writer, 10)
    ahead = asyncio.create_task(writer.submit(None))
    await settle()
    store.error = OSError("the disk is full")
    store.held[0].set()
    with pytest.raises(OSError, match="the disk is full"):
        await ahead
    assert store.sizes == [3], "nothing is written after a failure"
