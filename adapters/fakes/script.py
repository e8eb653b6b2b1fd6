"""What a fake was told to fail, and what it was asked."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from adapters.ports import EventMark
from schemas.intents import CalendarEntry

__all__ = ["Call", "Failure", "Operation", "Script", "require"]

Operation = Literal["create", "update", "delete", "find", "refresh", "revoke"]


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call as it came in. `about` is the remote id, the derived one where a mark was given; "" for token calls."""

    operation: Operation
    mailbox: str
    about: str
    entry: CalendarEntry | None = None
    mark: EventMark | None = None


@dataclass(kw_only=True)
class Failure:
    """One order; None = any operation, any mailbox, for ever."""

    error: Callable[[], Exception]
    after: bool
    operation: Operation | None
    mailbox: str | None
    times: int | None


@dataclass
class Script:
    """Failures to come. The first that concerns a call is taken; `times` None = until `clear`."""

    _failures: list[Failure] = field(default_factory=list)

    def fail(
        self,
        error: Callable[[], Exception],
        *,
        after: bool = False,
        operation: Operation | None = None,
        mailbox: str | None = None,
        times: int | None = 1,
    ) -> None:
        """`error` makes a new error for each call. `after`: the work is done all the same."""
        self._failures.append(Failure(error=error, after=after, operation=operation, mailbox=mailbox, times=times))

    def clear(self) -> None:
        self._failures.clear()

    def take(self, operation: Operation, mailbox: str) -> Failure | None:
        for failure in self._failures:
            if failure.operation in (None, operation) and failure.mailbox in (None, mailbox):
                if failure.times is not None:
                    failure.times -= 1
                    if failure.times == 0:
                        self._failures.remove(failure)
                return failure
        return None


def require(holds: bool, rule: str) -> None:
    """The caller's side of the port's contract. Raises AssertionError."""
    if not holds:
        raise AssertionError(rule)
