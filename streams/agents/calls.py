"""Calls to a calendar service: with a token that is good, at a moment when one may go out, and measured."""

import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from adapters.errors import CalendarError, Unauthorized
from streams.agents.connections import Connections, grant_of
from streams.domain.connection import Held
from streams.metrics import ExecuteMetrics

__all__ = ["Calls"]

T = TypeVar("T")


class Calls:
    """`hold`: returns when a call may go out."""

    def __init__(self, *, connections: Connections, metrics: ExecuteMetrics, hold: Callable[[], Awaitable[None]]) -> None:
        self._connections = connections
        self._metrics = metrics
        self._hold = hold

    async def token(self, provider_id: str, held: Held) -> str:
        """Raises CalendarError."""
        return await self._connections.keeper.access_token(grant_of(provider_id, held))

    async def call(self, operation: str, held: Held, provider_id: str, token: str, send: Callable[[str], Awaitable[T]]) -> T:
        """One call; after a 401 the token is refreshed and it is made once more. Raises CalendarError."""
        try:
            return await self._measured(operation, held, send, token)
        except Unauthorized:
            keeper, grant = self._connections.keeper, grant_of(provider_id, held)
            keeper.invalidate(grant, token)
            fresh = await keeper.access_token(grant)
            return await self._measured(operation, held, send, fresh)

    async def _measured(self, operation: str, held: Held, send: Callable[[str], Awaitable[T]], token: str) -> T:
        await self._hold()
        self._metrics.call_began(held.service)
        started = time.perf_counter()
        result = "cancelled"
        try:
            answer = await send(token)
            result = "ok"
            return answer
        except CalendarError as error:
            result = type(error).__name__
            raise
        finally:
            self._metrics.call_ended(held.service, operation, result, time.perf_counter() - started)
