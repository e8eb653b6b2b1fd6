"""Fetches from a broker keep a distance: one after a pause goes at once, the others bring more each (docs/adr/013)."""

import asyncio
import time

__all__ = ["Pace"]

#: From one fetch from a broker to the next, at least.
DISTANCE_SECONDS = 0.008


class Pace:
    """Per broker."""

    def __init__(self) -> None:
        self._next_at: dict[int, float] = {}

    async def turn(self, node_id: int) -> None:
        """Returns when the next request may go, which then counts as gone."""
        early = self._next_at.get(node_id, 0.0) - time.monotonic()
        if early > 0:
            await asyncio.sleep(early)
        self._next_at[node_id] = time.monotonic() + DISTANCE_SECONDS
