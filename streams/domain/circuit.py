"""A circuit for one calendar service: when a whole service fails, its calls rest instead of emptying the topic into retries. Pure."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import takewhile
from typing import NamedTuple

__all__ = ["Circuit", "CircuitPolicy", "CircuitState"]


class CircuitState(Enum):
    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


@dataclass(frozen=True, kw_only=True)
class CircuitPolicy:
    """Opens when, of the last `window` calls, at least `ratio` failed, or when the last `row` calls all failed, over `row_lasts` seconds or
    longer; and the failures come from `mailboxes` different mailboxes or more.

    So one broken mailbox never stops a service, and where few calls are made an outage is known before their attempts are used up.
    Rests `first_rest` seconds, doubling to `longest_rest`, between probes.
    """

    window: int = 20
    ratio: float = 0.8
    mailboxes: int = 2
    row: int = 5
    row_lasts: float = 1.0
    first_rest: float = 5.0
    longest_rest: float = 60.0


class _Call(NamedTuple):
    answered: bool
    mailbox: str
    at: float


class Circuit:
    """The state machine; `now` is monotonic seconds, passed in."""

    def __init__(self, policy: CircuitPolicy) -> None:
        self._policy = policy
        self._calls: deque[_Call] = deque(maxlen=policy.window)
        self._rest = policy.first_rest
        self._open_until: float | None = None
        self._probing = False
        #: Mailboxes refused since the last answer, and those that were refused while others were answered.
        self._refused: set[str] = set()
        self._refused_alone: set[str] = set()

    @property
    def state(self) -> CircuitState:
        if self._open_until is None:
            return CircuitState.CLOSED
        return CircuitState.HALF_OPEN if self._probing else CircuitState.OPEN

    def allows(self, now: float) -> bool:
        """Whether a call may go out now. When the rest is over one call, the probe, is let through."""
        if self._open_until is None:
            return True
        if self._probing or now < self._open_until:
            return False
        self._probing = True
        return True

    def wants_probe(self, now: float) -> bool:
        """Whether the rest is over and no probe is under way."""
        return self._open_until is not None and not self._probing and now >= self._open_until

    def succeeded(self, mailbox: str) -> bool:
        """A call was answered, by whatever answer shows that the service is well. True when that closes the circuit."""
        self._refused_alone = (self._refused_alone | self._refused) - {mailbox}
        self._refused.clear()
        if self._open_until is None:
            self._calls.append(_Call(True, mailbox, 0.0))
            return False
        self._open_until = None
        self._probing = False
        self._rest = self._policy.first_rest
        self._calls.clear()
        return True

    def failed(self, mailbox: str, now: float) -> bool:
        """The service failed. True when the circuit is open after it."""
        self._calls.append(_Call(False, mailbox, now))
        if self._open_until is not None:
            if self._probing:
                self._rest = min(self._rest * 2, self._policy.longest_rest)
                self._open(now)
            return True
        opens = self._most_failed() or self._a_row_failed(now)
        if opens:
            self._open(now)
        return opens

    def _most_failed(self) -> bool:
        failures = [call for call in self._calls if not call.answered]
        full = len(self._calls) == self._policy.window
        return full and len(failures) >= self._policy.ratio * self._policy.window and self._of_many(failures)

    def _a_row_failed(self, now: float) -> bool:
        row = list(takewhile(lambda call: not call.answered, reversed(self._calls)))
        return len(row) >= self._policy.row and now - row[-1].at >= self._policy.row_lasts and self._of_many(row)

    def _of_many(self, calls: Sequence[_Call]) -> bool:
        return len({call.mailbox for call in calls}) >= self._policy.mailboxes

    def trip(self, mailbox: str, now: float) -> bool:
        """The service refuses this application (an operator has to act): it opens at once. True when it is open after it.

        Not so for a mailbox that was refused before while others were answered: a grant that was made for another application, say.
        """
        self._refused.add(mailbox)
        if self._open_until is None:
            if self._refused <= self._refused_alone and len(self._refused) < self._policy.mailboxes:
                return False
            self._open(now)
        elif self._probing:
            self._rest = min(self._rest * 2, self._policy.longest_rest)
            self._open(now)
        return True

    def probe_abandoned(self) -> None:
        """The probe ended without an answer about the service's health: let another one through."""
        self._probing = False

    def _open(self, now: float) -> None:
        self._open_until = now + self._rest
        self._probing = False
