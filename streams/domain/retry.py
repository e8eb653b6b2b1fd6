"""Retry and dead-letter policy as data: which tier, when due, which headers. Pure; times are Unix milliseconds."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from schemas import headers as names

__all__ = [
    "Failure",
    "Headers",
    "RetryPolicy",
    "Source",
    "Tried",
    "dead_letter_headers",
    "not_before",
    "retry_headers",
    "tried",
    "with_headers",
]

Headers = Sequence[tuple[str, bytes]]


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where a message was first consumed from."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, kw_only=True)
class Failure:
    """`error_class`: the class of adapters.errors by what happens next. `reason`: no token, no title."""

    error_class: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Tried:
    """How often a message was tried and failed before."""

    attempts: int
    first_failure: str | None


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """Attempts = tiers + 1: the first try, and one after each tier."""

    tiers: Sequence[timedelta]

    def tier(self, failed_attempts: int, wait: timedelta) -> timedelta | None:
        """The tier after so many failed attempts (1 after the first), never sooner than `wait`; None when the attempts are used up.

        Where the wait is longer than every tier, the longest: the message then comes back with `not-before` ahead and is put there again
        without counting as an attempt. So every message of a tier waits equally long, and none holds up those behind it.
        """
        return None if failed_attempts > len(self.tiers) else self.tier_without_end(failed_attempts, wait)

    def tier_without_end(self, failed_attempts: int, wait: timedelta) -> timedelta:
        """The same where nothing is ever given up: after the last tier comes the last tier again. There has to be one."""
        start = min(max(failed_attempts, 1), len(self.tiers)) - 1
        return next((tier for tier in self.tiers[start:] if tier >= wait), self.tiers[-1])


def tried(headers: Headers) -> Tried:
    attempts = _integer(headers, names.ATTEMPT)
    first = _text(headers, names.FIRST_FAILURE)
    return Tried(attempts=attempts or 0, first_failure=first)


def not_before(headers: Headers) -> datetime | None:
    """The moment before which the service asked not to be called, if a retry carries one."""
    value = _integer(headers, names.NOT_BEFORE)
    return None if value is None else datetime.fromtimestamp(value / 1000, UTC)


def retry_headers(
    headers: Headers,
    *,
    source: Source,
    failure: Failure | None,
    attempts: int,
    now: datetime,
    tier: timedelta,
    wait_until: datetime | None,
) -> list[tuple[str, bytes]]:
    """The original headers, and what redelivery and the next attempt need. `failure` None: it only waits on; nothing new failed."""
    failed = _failure_headers(headers, source, failure, attempts, now) if failure is not None else {}
    added = {**failed, names.DUE: _milliseconds(now + tier)}
    if wait_until is not None:
        added[names.NOT_BEFORE] = _milliseconds(wait_until)
    return with_headers(headers, added, without=(names.NOT_BEFORE,))


def dead_letter_headers(headers: Headers, *, source: Source, failure: Failure, attempts: int, now: datetime) -> list[tuple[str, bytes]]:
    """The original headers, and the reasons."""
    added = {
        **_failure_headers(headers, source, failure, attempts, now),
        names.DEAD_LETTER_CODE: failure.error_class,
        names.DEAD_LETTER_REASON: failure.reason,
    }
    return with_headers(headers, added, without=(names.DUE, names.NOT_BEFORE))


def _failure_headers(headers: Headers, source: Source, failure: Failure, attempts: int, now: datetime) -> dict[str, str]:
    return {
        names.ATTEMPT: str(attempts),
        names.FIRST_FAILURE: tried(headers).first_failure or now.isoformat(),
        names.LAST_FAILURE: now.isoformat(),
        names.ERROR_CLASS: failure.error_class,
        names.SOURCE_TOPIC: _text(headers, names.SOURCE_TOPIC) or source.topic,
        names.SOURCE_PARTITION: _text(headers, names.SOURCE_PARTITION) or str(source.partition),
        names.SOURCE_OFFSET: _text(headers, names.SOURCE_OFFSET) or str(source.offset),
    }


def with_headers(headers: Headers, added: dict[str, str], *, without: Sequence[str] = ()) -> list[tuple[str, bytes]]:
    """The headers, and those that are added in the place of any of the same name."""
    kept = [(name, value) for name, value in headers if name not in added and name not in without]
    return kept + [(name, value.encode()) for name, value in added.items()]


def _milliseconds(at: datetime) -> str:
    return str(int(at.timestamp() * 1000))


def _text(headers: Headers, name: str) -> str | None:
    for found, value in headers:
        if found == name and value is not None:
            return value.decode(errors="replace")
    return None


def _integer(headers: Headers, name: str) -> int | None:
    """The number in a header; None where it is missing, garbled or beyond any time, which counts as never set."""
    text = _text(headers, name)
    return int(text) if text is not None and len(text) < 15 and text.isascii() and text.isdecimal() else None
