"""What may be used once: states of authorization flows, ids of sessions that were signed out."""

from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta

__all__ = ["OnceOnly"]


class OnceOnly:
    """Remembers values for as long as they could be brought again, in this process.

    Behind several processes the issuer is the second line: its codes work once.
    """

    def __init__(self, clock: Callable[[], datetime], *, keep: timedelta, most: int = 100_000) -> None:
        """`most`: above that the oldest are forgotten early, which bounds memory under attack."""
        self._clock = clock
        self._keep = keep
        self._most = most
        self._used: OrderedDict[str, datetime] = OrderedDict()

    def use(self, value: str) -> bool:
        """True the first time, False when it was used before."""
        self._forget_old()
        if value in self._used:
            return False
        self._used[value] = self._clock()
        return True

    def is_used(self, value: str) -> bool:
        return value in self._used

    def _forget_old(self) -> None:
        before = self._clock() - self._keep
        while self._used and (len(self._used) >= self._most or next(iter(self._used.values())) < before):
            self._used.popitem(last=False)
