"""EventDateTime: the three ways to say when, and what Google refuses of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from infra.sandbox.google.errors import invalid, refuse, required

__all__ = ["CALENDAR_ZONE", "Span", "read_instant", "read_span"]

#: The time zone of every simulated calendar.
CALENDAR_ZONE = "UTC"


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """`start`/`end` in UTC; `start_shown`/`end_shown`: the EventDateTime resources as Google answers them."""

    start: datetime
    end: datetime
    start_shown: Mapping[str, str]
    end_shown: Mapping[str, str]


def read_span(event: Mapping[str, Any]) -> Span:
    """Raises Refusal. A range that ends when or before it starts is `timeRangeEmpty` (also a length of zero: it was seen in the wild)."""
    start, start_shown = _read(event.get("start"), "start")
    end, end_shown = _read(event.get("end"), "end")
    if ("date" in start_shown) != ("date" in end_shown):
        raise invalid("Invalid start or end time: both have to be dates, or both date-times.")
    if end <= start:
        raise refuse(400, "timeRangeEmpty", location=("parameter", "timeMax"))
    return Span(start=start, end=end, start_shown=start_shown, end_shown=end_shown)


def read_instant(text: str, name: str) -> datetime:
    """A query parameter that has to be RFC 3339 with an offset. Raises Refusal."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise refuse(400, "badRequest", "Bad Request", location=("parameter", name)) from None
    if instant.tzinfo is None:
        raise refuse(400, "badRequest", "Bad Request", location=("parameter", name))
    return instant.astimezone(UTC)


def _read(value: Any, which: str) -> tuple[datetime, Mapping[str, str]]:
    if not isinstance(value, dict) or not any(value.get(name) for name in ("date", "dateTime")):
        raise required(f"Missing {which} time.")
    zone = _zone(value.get("timeZone"), which)
    if value.get("date"):
        if value.get("dateTime"):
            raise invalid(f"Invalid {which} time: date and dateTime exclude each other.")
        return _whole_day(value["date"], which)
    return _moment(value["dateTime"], zone, value.get("timeZone"), which)


def _whole_day(text: str, which: str) -> tuple[datetime, Mapping[str, str]]:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise invalid(f"Invalid {which} time.") from None
    return datetime.combine(day, time(), UTC), {"date": text}


def _moment(text: str, zone: ZoneInfo | None, name: str | None, which: str) -> tuple[datetime, Mapping[str, str]]:
    try:
        moment = datetime.fromisoformat(text.upper())
    except ValueError:
        raise invalid(f"Invalid {which} time.") from None
    if moment.tzinfo is None:
        if zone is None:
            raise required(f"Missing time zone definition for {which} time.")
        moment = moment.replace(tzinfo=zone)
    instant = moment.astimezone(UTC)
    shown = _rfc3339(instant.astimezone(zone or _zone_named(CALENDAR_ZONE)))
    return instant, {"dateTime": shown, "timeZone": name or CALENDAR_ZONE}


def _rfc3339(moment: datetime) -> str:
    text = moment.isoformat(timespec="seconds")
    return text.removesuffix("+00:00") + "Z" if moment.utcoffset() == timedelta() else text


def _zone(name: Any, which: str) -> ZoneInfo | None:
    if name is None:
        return None
    if name not in _known():
        raise invalid(f"Invalid time zone definition for {which} time.")
    return _zone_named(name)


@lru_cache(maxsize=1)
def _known() -> frozenset[str]:
    return frozenset(available_timezones())


@lru_cache(maxsize=1024)
def _zone_named(name: str) -> ZoneInfo:
    return ZoneInfo(name)
