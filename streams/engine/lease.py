"""The lease: how long this process may still act for its partitions, by what the brokers told it last.

A process that was stopped for longer than its session (SIGSTOP, a paused virtual machine, a network cut off) wakes up in the middle of its
work, while its partitions are another worker's. What it would do next is a zombie's: an event made a second time, an old row written over a
new one. So it asks here before it calls a calendar service or writes to the brokers (docs/adr/010).
"""

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, NoReturn

from aiokafka.errors import (
    IllegalGenerationError,
    InvalidSessionTimeoutError,
    NoError,
    RebalanceInProgressError,
    UnknownMemberIdError,
    for_code,
)
from aiokafka.protocol.group import HeartbeatRequest, JoinGroupRequest, SyncGroupRequest

from streams.engine.start import session_refused
from streams.settings import SettingError

__all__ = ["Lease", "LeaseExpiredError", "boot_clock", "end_at_once"]

log = logging.getLogger(__name__)

_PAUSE = 0.05
#: How long brokers may be away before whoever waits here gives up. Then the worker ends, and its supervisor starts it again.
PATIENCE = 120.0
#: Answers that keep a member in its group, and those that say that it is none any more (its partitions are given to others).
_KEPT = (NoError, RebalanceInProgressError)
_GONE = (UnknownMemberIdError, IllegalGenerationError)


class LeaseExpiredError(Exception):
    """For longer than anybody waits nobody said that this process is still a member of its group."""


def boot_clock() -> float:
    """Monotonic seconds that pass while the machine is suspended too, where the system has such a clock."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


class Lease:
    """The brokers give a member's partitions away `session` after they last heard from it: from the last request on that they answered.

    `on_lost(reason)`: they said that this process is no member any more, while it may be at work. Called in the loop, where the answer is
    heard. `on_refused(error)`: they take no session of this length, so it never becomes one; aiokafka logs that and waits for ever.
    """

    def __init__(
        self,
        *,
        session: timedelta,
        on_lost: Callable[[str], Any],
        on_refused: Callable[[SettingError], Awaitable[None]],
        clock: Callable[[], float] = boot_clock,
        patience: float = PATIENCE,
    ) -> None:
        self._session = session.total_seconds()
        self._on_lost = on_lost
        self._on_refused = on_refused
        self._clock = clock
        self._patience = patience
        self._until = float("-inf")

    @property
    def left(self) -> float:
        """Seconds; negative when it has expired."""
        return self._until - self._clock()

    async def hold(self, seconds: float) -> None:
        """Returns when the lease lasts for so long at least. Raises LeaseExpiredError."""
        if self.left >= seconds:
            return
        log.info("waiting for the brokers to say that this worker is still a member of its group")
        give_up_at = self._clock() + self._patience
        while self.left < seconds:
            if self._clock() > give_up_at:
                raise LeaseExpiredError(f"no broker confirmed this worker's membership for {self._patience:.0f} s")
            await asyncio.sleep(_PAUSE)

    def watch(self, coordinator: Any) -> None:
        """Follow the requests of an aiokafka GroupCoordinator, which says nothing of them to its users."""
        send = coordinator._send_req

        async def observed(request: Any) -> Any:
            asked_at = self._clock()
            response = await send(request)
            if isinstance(request, HeartbeatRequest | SyncGroupRequest):
                self._answered(request, for_code(response.error_code), asked_at)
            elif isinstance(request, JoinGroupRequest) and response.error_code == InvalidSessionTimeoutError.errno:
                await self._on_refused(session_refused(timedelta(seconds=self._session)))
            return response

        coordinator._send_req = observed

    def _answered(self, request: Any, answer: type[Exception], asked_at: float) -> None:
        if answer in _KEPT and (isinstance(request, HeartbeatRequest) or answer is NoError):
            self._until = max(self._until, asked_at + self._session)
        elif answer in _GONE and isinstance(request, HeartbeatRequest):
            # While it joins a group it has nothing in hand; a heartbeat is sent by a member that may be at work.
            self._until = float("-inf")
            self._on_lost(f"the brokers do not count this worker as a member of its group any more ({answer.__name__})")


def end_at_once(reason: str) -> NoReturn:
    """End the process as a kill would, with status 1. A clean stop would finish what is in hand, which is another worker's by now."""
    log.critical("this worker ends at once: %s", reason)
    logging.shutdown()
    os._exit(1)
