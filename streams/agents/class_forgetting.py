"""Forgetting classes whose last day is long past, a few rows at a time, beside the folding."""

import asyncio
import logging
from collections.abc import Callable, MutableMapping
from datetime import date, datetime

from streams.agents.write_chain import Turn, WriteChain
from streams.domain.forgetting import is_forgotten
from streams.domain.state import ClassState, decode_state
from streams.engine.offsets import OffsetTracker
from streams.engine.table import ChangelogTable
from streams.metrics import FoldMetrics

__all__ = ["ClassForgetting"]

log = logging.getLogger(__name__)


class ClassForgetting:
    """`states`: the newest state of (partition, key) where the fold has one (None: no such class); else the table's row counts.

    `after_days`: after a class's last day. `step`: rows looked at per partition in one step.
    """

    def __init__(
        self,
        *,
        table: ChangelogTable,
        offsets: OffsetTracker,
        metrics: FoldMetrics,
        chain: WriteChain,
        states: MutableMapping[tuple[int, bytes], ClassState | None],
        after_days: int,
        step: int,
        now: Callable[[], datetime],
    ) -> None:
        self._table = table
        self._offsets = offsets
        self._metrics = metrics
        self._chain = chain
        self._states = states
        self._after_days = after_days
        self._step = step
        self._now = now
        self._from: dict[int, bytes] = {}

    def tables_ready(self, partitions: list[int]) -> None:
        self._from = dict.fromkeys(partitions, b"")

    async def step(self) -> None:
        """One small step in every partition."""
        epoch, today = self._offsets.epoch, self._now().date()
        for partition, start in list(self._from.items()):
            if not self._offsets.accepts(epoch):
                return
            old, self._from[partition] = self._old_classes(partition, start, today)
            if old:
                await self._forget(partition, old)
            await asyncio.sleep(0)

    def _old_classes(self, partition: int, start: bytes, today: date) -> tuple[list[bytes], bytes]:
        """Keys of classes to forget, and where the next step begins (the beginning again after the end)."""
        old: list[bytes] = []
        for seen, (key, row) in enumerate(self._table.scan(partition, start)):
            if seen == self._step:
                return old, key
            state = self._states.get((partition, key)) or decode_state(row)
            if is_forgotten(state, today, self._after_days):
                old.append(key)
        return old, b""

    async def _forget(self, partition: int, keys: list[bytes]) -> None:
        """Tombstones go the way of every other row, in order: behind those of all chunks before; the chunks after fold from nothing."""
        for key in keys:
            self._states[(partition, key)] = None
        await self._chain.begin(lambda turn: self._send_tombstones(partition, keys, turn))
        self._metrics.forgotten(len(keys))
        log.info("classes were forgotten", extra={"count": len(keys), "partition": partition})

    async def _send_tombstones(self, partition: int, keys: list[bytes], turn: Turn) -> None:
        try:
            await turn.come()
            confirmed = await self._table.write(partition, dict.fromkeys(keys), later=True)
            turn.pass_on()
        except BaseException as error:
            turn.break_off(error)
            raise
        await confirmed
