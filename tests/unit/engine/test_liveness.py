"""When a worker is alive: offsets move, or nothing waits."""

from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from streams.engine.liveness import STALL_SECONDS, OffsetProgress
from streams.engine.offsets import OffsetTracker
from streams.metrics import make_metrics

P, CHANGELOG = TP("events", 0), TP("table-changelog", 0)


class Worker:
    def __init__(self) -> None:
        self.seconds = 0.0
        self.offsets = OffsetTracker()
        self.end, self.marks_follow = 0, False
        self.metrics = make_metrics()
        consumer = SimpleNamespace(
            assignment=lambda: {P, CHANGELOG},
            highwater=lambda tp: self.end,
            only_marks_follow=lambda tp, finished: self.marks_follow,
            _committed_offset={},
        )
        app: Any = SimpleNamespace(consumer=consumer, offsets=self.offsets, tables=SimpleNamespace(changelog_topics={"table-changelog"}))
        self.progress = OffsetProgress(app, self.metrics.lag, clock=lambda: self.seconds)

    async def after(self, seconds: float) -> bool:
        self.seconds += seconds
        await self.progress.look()
        return self.progress.health().ok

    def finish(self, last: int) -> None:
        self.offsets.finish(self.offsets.open(tuple(P), last))


@pytest.fixture
def worker() -> Worker:
    return Worker()


async def test_a_worker_without_input_is_alive(worker: Worker) -> None:
    assert await worker.after(STALL_SECONDS * 10)


async def test_a_worker_whose_input_waits_and_whose_offsets_stand_still_is_not(worker: Worker) -> None:
    worker.finish(last=3)
    worker.end = 5
    assert await worker.after(1)
    assert await worker.after(STALL_SECONDS - 1)
    assert not await worker.after(1)
    worker.finish(last=4)
    assert await worker.after(1)


async def test_a_worker_behind_which_only_marks_of_transactions_stand_is_alive_and_has_no_lag(worker: Worker) -> None:
    worker.finish(last=3)
    worker.end, worker.marks_follow = 5, True
    await worker.after(1)
    assert await worker.after(STALL_SECONDS * 10)
    assert worker.progress.health().detail["lag"] == 0
