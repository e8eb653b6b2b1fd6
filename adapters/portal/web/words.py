"""Times in words for a person; portal.js says the same words and keeps them current."""

from datetime import UTC, datetime

__all__ = ["clause", "due", "exact", "iso", "since", "span"]

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def clause(words: str) -> str:
    """The beginning of a sentence: a capital letter, no full stop."""
    text = words.strip().removesuffix(".")
    return text[:1].upper() + text[1:]


def span(seconds: float) -> str:
    """`a few seconds`, `4 minutes`, `a day`."""
    for below, words in _SPANS:
        if seconds < below:
            unit, plural = words
            return plural if unit == 0 else f"{round(seconds / unit)} {plural}"
    years = round(seconds / _DAY / 365)
    return "a year" if years <= 1 else f"{years} years"


_SPANS: tuple[tuple[float, tuple[float, str]], ...] = (
    (45, (0, "a few seconds")),
    (90, (0, "a minute")),
    (45 * _MINUTE, (_MINUTE, "minutes")),
    (90 * _MINUTE, (0, "an hour")),
    (22 * _HOUR, (_HOUR, "hours")),
    (36 * _HOUR, (0, "a day")),
    (26 * _DAY, (_DAY, "days")),
    (45 * _DAY, (0, "a month")),
    (320 * _DAY, (_DAY * 30.4, "months")),
)


def since(instant: datetime, now: datetime) -> str:
    return f"{span(max((now - instant).total_seconds(), 0))} ago"


def due(instant: datetime, now: datetime) -> str:
    seconds = (instant - now).total_seconds()
    return "now" if seconds <= 0 else f"in {span(seconds)}"


def iso(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def exact(instant: datetime) -> str:
    utc = instant.astimezone(UTC)
    return f"{utc:%A}, {utc.day} {utc:%B %Y, %H:%M:%S} UTC"
