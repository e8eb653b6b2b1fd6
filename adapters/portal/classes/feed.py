"""One look at what changed for all open pages: a process asks the read model a few times a second while somebody watches, else never."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from adapters.portal.ports import ReadModel

__all__ = ["ChangeFeed", "Watcher"]

log = logging.getLogger(__name__)

#: Pages are to show a change within a second, of which the look itself and the page's own request take the rest.
_EVERY: Final = timedelta(milliseconds=150)
_AFTER_ERROR: Final = timedelta(seconds=5)


class Watcher:
    """What one open page waits on. It is woken once for however many changes came since it last waited."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def wake(self) -> None:
        self._event.set()

    async def wait(self, timeout: timedelta) -> bool:
        """True when something changed, False when `timeout` is over."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout.total_seconds()):
                await self._event.wait()
        changed = self._event.is_set()
        self._event.clear()
        return changed


class ChangeFeed:
    """`as_of` is kept beside: what the read model said when the feed last looked."""

    def __init__(self, read_model: ReadModel, every: timedelta = _EVERY) -> None:
        self._read_model = read_model
        self._every = every
        self._watchers: set[Watcher] = set()
        self._task: asyncio.Task[None] | None = None
        self.as_of: datetime | None = None

    @property
    def is_looking(self) -> bool:
        return self._task is not None and not self._task.done()

    @asynccontextmanager
    async def watch(self) -> AsyncIterator[Watcher]:
        """Changes from here on wake the watcher. The first one starts the looking, the last one ends it."""
        watcher = Watcher()
        self._watchers.add(watcher)
        if not self.is_looking:
            self._task = asyncio.create_task(self._look(), name="classes-change-feed")
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)
            if not self._watchers and self._task is not None:
                self._task.cancel()
                self._task = None

    async def _look(self) -> None:
        cursor: int | None = None
        while True:
            try:
                cursor = await self._step(cursor)
            except (SQLAlchemyError, OSError) as error:
                log.warning("the read model did not say what changed: %s", type(error).__name__)
                await asyncio.sleep(_AFTER_ERROR.total_seconds())
                self._wake_all()  # whatever happened meanwhile, the pages compare for themselves
            await asyncio.sleep(self._every.total_seconds())

    async def _step(self, cursor: int | None) -> int:
        changes = await self._read_model.changes_since(cursor)
        self.as_of = await self._read_model.as_of()
        if cursor is None or changes.class_ids or changes.provider_ids or changes.many or changes.cursor < cursor:
            self._wake_all()
        return changes.cursor

    def _wake_all(self) -> None:
        for watcher in self._watchers:
            watcher.wake()
