"""A circuit for one calendar service: when a whole service fails, its calls rest instead of emptying the topic into retries. Pure."""

from collections import deque
from dataclasses import dataclass
from enum import Enum

__all__ = ["Circuit", "CircuitPolicy", "CircuitState"]


class CircuitState(Enum):
    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


@dataclass(frozen=True, kw_only=True)
class CircuitPolicy:
    """Opens when, of the last `window` calls, at least `ratio` failed and the failures come from `mailboxes` different mailboxes or more.

    So one broken mailbox never stops a service. Rests `first_rest` seconds, doubling to `longest_rest`, between probes.
    """

    window: int = 20
    ratio: float = 0.8
    mailboxes: int = 2
    first_rest: float = 5.0
    longest_rest: float = 60.0


class Circuit:
    """The state machine; `now` is monotonic seconds, passed in."""

    def __init__(self, policy: CircuitPolicy) -> None:
        self._policy = policy
        self._calls: deque[tuple[bool, str]] = deque(maxlen=policy.window)
        self._rest = policy.first_rest
        self._open_until: float | None = None
        self._probing = False

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
        self._calls.append((True, mailbox))
        if self._open_until is None:
            return False
        self._open_until = None
        self._probing = False
        self._rest = self._policy.first_rest
        self._calls.clear()
        return True

    def failed(self, mailbox: str, now: float) -> bool:
        """The service failed. True when the circuit is open after it."""
        self._calls.append((False, mailbox))
        if self._open_until is not None:
            if self._probing:
                self._rest = min(self._rest * 2, self._policy.longest_rest)
                self._open(now)
            return True
        failures = [name for ok, name in self._calls if not ok]
        full = len(self._calls) == self._policy.window
        if full and len(failures) >= self._policy.ratio * self._policy.window and len(set(failures)) >= self._policy.mailboxes:
            self._open(now)
            return True
        return False

    def trip(self, now: float) -> None:
        """Open at once: the service refuses this application (an operator has to act)."""
        if self._open_until is None:
            self._open(now)
        elif self._probing:
            self._rest = min(self._rest * 2, self._policy.longest_rest)
            self._open(now)

    def probe_abandoned(self) -> None:
        """The probe ended without an answer about the service's health: let another one through."""
        self._probing = False

    def _open(self, now: float) -> None:
        self._open_until = now + self._rest
        self._probing = False
