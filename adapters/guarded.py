"""A connector whose connections send nothing when the process may not act any more, however far a request had come by then.

Between the decision to call and the first byte on the wire a request waits: for a connection, for its turn in the event loop. A process
that is stopped right there for long (SIGSTOP, a paused virtual machine) would send it when it wakes up, and what it says is old by then.
"""

import asyncio
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler

__all__ = ["GuardedConnector"]


class NotAllowedError(OSError):
    """The request was not sent."""


class GuardedConnector(aiohttp.TCPConnector):
    """`allowed` is asked at every write; where it says no the connection is closed and the request fails as dropped."""

    def __init__(self, allowed: Callable[[], bool], **options: Any) -> None:
        super().__init__(**options)
        # aiohttp has no public seam between a connection and its protocol.
        self._factory = partial(_GuardedHandler, allowed)  # type: ignore[assignment]


class _GuardedHandler(ResponseHandler):
    def __init__(self, allowed: Callable[[], bool]) -> None:
        super().__init__(loop=asyncio.get_running_loop())
        self._allowed = allowed

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(_GuardedTransport(transport, self._allowed))  # type: ignore[arg-type]


class _GuardedTransport:
    """The transport in everything but its writes."""

    def __init__(self, transport: Any, allowed: Callable[[], bool]) -> None:
        self._transport = transport
        self._allowed = allowed

    def write(self, data: bytes) -> None:
        self._check()
        self._transport.write(data)

    def writelines(self, data: Iterable[bytes]) -> None:
        self._check()
        self._transport.writelines(data)

    def _check(self) -> None:
        if not self._allowed():
            self._transport.abort()
            raise NotAllowedError("this process may not send any more")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
