"""An event loop on which waiting costs no time: when nothing is left to do, its clock stands at the next timer."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any

__all__ = ["run_lapsed"]

_A_DAY = 86400.0


def run_lapsed(work: Coroutine[Any, Any, None]) -> None:
    """`work` may sleep and time out, and do no input or output. The loop's `time` begins at 0."""
    with asyncio.Runner(loop_factory=_Loop) as runner:
        runner.run(work)


class _Selector(selectors.DefaultSelector):
    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise AssertionError("the work waits for something that never comes")
        self.now += timeout
        if self.now > _A_DAY:
            raise AssertionError("the work goes on and on")
        return super().select(0)


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._lapsed = _Selector()
        super().__init__(self._lapsed)

    def time(self) -> float:
        return self._lapsed.now
