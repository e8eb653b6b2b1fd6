"""Connection events in: one after another, each to its end before its offset is released. What changes nothing is told."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from schemas.codec import check_key, decode_connection
from schemas.connections import ConnectionEvent
from schemas.errors import ContractViolation
from streams.agents.connections import Connections
from streams.domain.connection import Connection
from streams.domain.connection_events import Heard
from streams.domain.fold import RawRecord
from streams.engine.offsets import OffsetTracker

__all__ = ["ConnectionIntake"]

log = logging.getLogger(__name__)

#: Why an event is ignored, and what to do when it was meant to count.
_IGNORED = {
    Heard.OLDER: "it is older than the newest event of this provider; if they connected again since, publish it with that later time",
    Heard.ENDED: "its grant was disconnected since; the provider has to connect again",
    Heard.UNKNOWN: "it ends a grant that is not in force",
}


class ConnectionIntake:
    """`observe(result)`: a value of Heard, or `broken`."""

    def __init__(self, *, connections: Connections, offsets: OffsetTracker, observe: Callable[[str], None]) -> None:
        self._connections = connections
        self._offsets = offsets
        self._observe = observe
        self._handling = asyncio.Lock()
        self._handled: asyncio.Task[None] | None = None

    async def run(self, stream: Any) -> None:
        """The agent's body."""
        async for event in stream.noack().events():
            topic, epoch = event.message.topic, self._offsets.epoch
            for partition, records in event.value:
                newest = {record.key: record.offset for record in records}
                for record in records:
                    async with self._handling:
                        if not self._offsets.accepts(epoch):
                            break  # a partition moves: whoever holds it next reads the rest again
                        ticket = self._offsets.open((topic, partition), record.offset)
                        if await self._handle_unless_moved(partition, record, newest=record.offset == newest[record.key]):
                            self._offsets.finish(ticket)

    async def _handle_unless_moved(self, partition: int, record: RawRecord, *, newest: bool) -> bool:
        """False when it was given up since its partition moves."""
        task = self._handled = asyncio.create_task(self._handle(partition, record, newest=newest))
        try:
            await asyncio.wait({task})
        finally:
            task.cancel()
        if task.cancelled():
            return False
        task.result()
        return True

    async def drain(self, timeout: float) -> None:
        """Let the event under way and every running refresh end, so that no rotated token is lost; give it up when it takes too long."""
        try:
            async with asyncio.timeout(timeout):
                async with self._handling:
                    pass
                await self._connections.keeper.close()
        except TimeoutError:
            log.warning("a connection event or a token refresh did not end before its partition moves")
            if self._handled is not None and not self._handled.done():
                self._handled.cancel()
                await asyncio.wait({self._handled})

    async def _handle(self, partition: int, record: RawRecord, *, newest: bool) -> None:
        """`newest`: no later record of this provider is at hand. It ends the grants that those before it left to be ended."""
        event = self._event(record)
        if event is not None:
            self._tell(event, *await self._connections.apply(partition, event))
        if newest and record.key is not None:
            await self._connections.end_grants(partition, record.key.decode(errors="replace"))

    def _event(self, record: RawRecord) -> ConnectionEvent | None:
        if record.value is None:
            return None  # a tombstone: the topic forgets a provider; the row was dealt with when the grant ended
        try:
            event = decode_connection(record.value)
            check_key(record.key, event.provider_id)
        except ContractViolation as violation:
            self._observe("broken")
            log.error("a connection event breaks the contract; it is left out", extra={"reason": violation.reason, "offset": record.offset})
            return None
        return event

    def _tell(self, event: ConnectionEvent, what: Heard, before: Connection) -> None:
        self._observe(what.value)
        if what in (Heard.NEWS, Heard.REPEAT):
            return
        log.warning(
            "a connection event changes nothing: %s",
            _IGNORED[what],
            extra={
                "provider_id": event.provider_id,
                "grant_id": event.grant_id,
                "result": what.value,
                "last_changed_at": before.last_changed_at.isoformat() if before.last_changed_at is not None else None,
            },
        )
