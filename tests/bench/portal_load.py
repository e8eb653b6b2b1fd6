"""`python -m tests.bench.portal_load ORDER REPORT`: people who load one page, as a process of its own and as cheap as can be.

Each has a connection that stays open and one request in bytes made beforehand. Every answer is looked at: status 200, and the person's own
words in it. What is wrong is counted, and ends nothing.
"""

import asyncio
import random
import sys
from pathlib import Path
from typing import cast

import msgspec
import uvloop

__all__ = ["LoadReport", "Order", "Reader"]


class Reader(msgspec.Struct, frozen=True, kw_only=True):
    """`cookie`: of the session. `expects`: what this person's page says and nobody else's."""

    cookie: str
    expects: str


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """`pause`: seconds between one person's requests, and people begin spread over the first; 0: all at the same moment, then again."""

    host: str
    port: int
    path: str
    readers: list[Reader]
    requests: int
    pause: float


class LoadReport(msgspec.Struct, frozen=True, kw_only=True):
    """`latencies` in ms, from the moment at which the request was due to the last byte of its answer. `seconds`: from first to last."""

    latencies: list[float]
    wrong: list[str]
    seconds: float


class _Connection(asyncio.Protocol):
    """HTTP/1.1, one request at a time, answers with a content-length."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._answered: asyncio.Future[bytes] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by name

    def ask(self, request: bytes) -> "asyncio.Future[bytes]":
        assert self._transport is not None
        self._answered = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._answered

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if found and len(body) >= _length(head) and self._answered is not None:
            answer, self._buffer = bytes(self._buffer), bytearray()
            self._answered.set_result(answer)
            self._answered = None

    def connection_lost(self, error: Exception | None) -> None:
        if self._answered is not None:
            self._answered.set_exception(error or ConnectionResetError("the portal closed the connection"))


def _length(head: bytes | bytearray) -> int:
    for line in bytes(head).lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line[15:])
    raise ValueError("an answer without a content-length")


class _Person:
    """One reader at one connection; what was measured goes to `sink`."""

    def __init__(self, order: Order, reader: Reader, connection: _Connection, sink: "_Sink") -> None:
        lines = (f"GET {order.path} HTTP/1.1", f"host: {order.host}:{order.port}", "accept: text/html", f"cookie: {reader.cookie}", "", "")
        self._request = "\r\n".join(lines).encode()
        self._expects = reader.expects.encode()
        self._connection = connection
        self._sink = sink

    async def read(self, due: float) -> None:
        clock = asyncio.get_running_loop().time
        await asyncio.sleep(due - clock())
        answer = await self._connection.ask(self._request)
        self._sink.latencies.append((clock() - due) * 1000)
        if not answer.startswith(b"HTTP/1.1 200 ") or self._expects not in answer:
            self._sink.wrong.append(answer[:200].decode(errors="replace"))

    async def read_on(self, first: float, order: Order) -> None:
        for number in range(order.requests):
            await self.read(first + number * order.pause)


class _Sink:
    def __init__(self) -> None:
        self.latencies: list[float] = []
        self.wrong: list[str] = []


async def run(order: Order) -> LoadReport:
    loop, sink, spread = asyncio.get_running_loop(), _Sink(), random.Random(5)
    made = [(await loop.create_connection(_Connection, order.host, order.port))[1] for _ in order.readers]
    people = [_Person(order, reader, connection, sink) for reader, connection in zip(order.readers, made, strict=True)]
    begin = loop.time()
    if order.pause:
        await asyncio.gather(*(person.read_on(begin + spread.random() * order.pause, order) for person in people))
    else:
        for _ in range(order.requests):
            now = loop.time()
            await asyncio.gather(*(person.read(now) for person in people))
    seconds = loop.time() - begin
    for connection in made:
        connection.close()
    return LoadReport(latencies=sink.latencies, wrong=sink.wrong[:5], seconds=seconds)


if __name__ == "__main__":
    given = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Order)
    Path(sys.argv[2]).write_bytes(msgspec.json.encode(uvloop.run(run(given))))
