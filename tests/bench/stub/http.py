"""HTTP/1.1 as far as one client of ours needs it: keep-alive, a body by Content-Length, answers after a given latency.

Not aiohttp: a server that takes as much CPU as the client would halve what can be measured on a small machine.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

__all__ = ["Answer", "Handler", "Request", "serve"]


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    bearer: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """`delay` in seconds. `after` runs when the answer goes out."""

    status: int
    body: bytes = b""
    delay: float = 0.0
    after: Callable[[], None] | None = None


Handler = Callable[[Request], Answer]

_REASONS = {200: b"OK", 201: b"Created", 204: b"No Content", 404: b"Not Found", 409: b"Conflict"}


class _Connection(asyncio.Protocol):
    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by class

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (request := self._take()) is not None:
            answer = self._handler(request)
            if answer.delay:
                asyncio.get_running_loop().call_later(answer.delay, self._write, answer)
            else:
                self._write(answer)

    def _take(self) -> Request | None:
        """The next whole request, if it has arrived."""
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return None
        first, *lines = self._buffer[:end].decode("latin-1").split("\r\n")
        length, bearer = 0, ""
        for line in lines:
            name, _, value = line.partition(": ")
            lower = name.lower()
            if lower == "content-length":
                length = int(value)
            elif lower == "authorization":
                bearer = value.removeprefix("Bearer ")
        if len(self._buffer) < end + 4 + length:
            return None
        body, self._buffer = self._buffer[end + 4 : end + 4 + length], self._buffer[end + 4 + length :]
        method, target, _ = first.split(" ")
        return Request(method, target.partition("?")[0], bearer, body)

    def _write(self, answer: Answer) -> None:
        if answer.after is not None:
            answer.after()
        if self._transport is not None and not self._transport.is_closing():
            head = b"HTTP/1.1 %d %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
            if answer.status == 204:
                head = head.replace(b"Content-Length: %d\r\n", b"%.0b")
                self._transport.write(head % (answer.status, _REASONS[answer.status], b""))
            else:
                self._transport.write(head % (answer.status, _REASONS[answer.status], len(answer.body)) + answer.body)


async def serve(handler: Handler) -> tuple[asyncio.Server, int]:
    """On a free port of the loopback address."""
    server = await asyncio.get_running_loop().create_server(lambda: _Connection(handler), "127.0.0.1", 0, backlog=4096)
    return server, int(server.sockets[0].getsockname()[1])
