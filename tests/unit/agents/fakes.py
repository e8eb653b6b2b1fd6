"""The broker and the tables in memory, for tests of agents: what was sent, in order, and a way to die at any point."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from schemas.codec import decode_intent, decode_status
from schemas.connections import ConnectionState
from streams.engine.store import MemoryPartition

__all__ = ["Broker", "KilledError", "Table"]


class KilledError(BaseException):
    """The process is gone; nobody may handle it."""


class Broker:
    """A ConfirmedProducer whose sends are confirmed a turn of the loop later. `sent`: (topic, key, value), confirmed, in order; `headers`:
    of each of them.

    `die_before`: the send of that number (from 0) does not come to happen.
    """

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes | None, bytes | None]] = []
        self.headers: list[Mapping[str, bytes]] = []
        self.die_before: int | None = None
        self.sends = 0

    async def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        *,
        headers: Any = (),
        partition: int | None = None,
        then: Callable[[int], None] | None = None,
        later: bool = False,
    ) -> asyncio.Future[Any]:
        if self.sends == self.die_before:
            raise KilledError
        self.sends += 1

        async def confirm() -> None:
            await asyncio.sleep(0)
            self.sent.append((topic, key, value))
            self.headers.append(dict(headers))
            if then is not None:
                then(len(self.sent) - 1)

        return asyncio.ensure_future(confirm())

    async def send_batch(
        self, topic: str, partition: int, rows: Iterable[Any], *, then: Callable[[int], None] | None = None, later: bool = False
    ) -> asyncio.Future[Any]:
        return asyncio.gather(*[await self.send(topic, key, value) for key, value in rows])

    async def send_keyed(self, topic: str, rows: Iterable[Any]) -> list[asyncio.Future[Any]]:
        return [await self.send(topic, key, value) for key, value in rows]

    def states(self, topic: str) -> list[ConnectionState]:
        return [decode_status(value).state for found, _, value in self.sent if found == topic]

    def revisions(self, topic: str) -> list[int]:
        return [decode_intent(value).revision for found, _, value in self.sent if found == topic]


class Table:
    """A ChangelogTable of one partition: a row is local once it is confirmed."""

    def __init__(self, broker: Broker, name: str) -> None:
        self.broker = broker
        self.name = name
        self.rows = MemoryPartition()

    def get_row(self, _partition: int, key: bytes) -> bytes | None:
        return self.rows.get(key)

    def scan(self, _partition: int, start: bytes = b"", prefix: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        return self.rows.scan(start, prefix)

    async def write_row(self, _partition: int, key: bytes, row: bytes | None, *, later: bool = False) -> asyncio.Future[Any]:
        return await self.broker.send(self.name, key, row, then=lambda offset: self.rows.write({key: row}, offset))

    async def write(self, _partition: int, rows: Mapping[bytes, bytes | None], *, later: bool = False) -> asyncio.Future[Any]:
        return asyncio.gather(*[await self.write_row(0, key, row) for key, row in rows.items()])
