"""Zones: a class is shown in its own wall time, and its zone is noted where the viewer's clock would say something else.

The viewer's zone comes from a cookie that the page's script sets from the browser; before that, the zone that most classes shown have.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from adapters.read_model.views import ClassCard
from schemas.events import known_zones

__all__ = ["ZONE_COOKIE", "clock_change", "most_common_zone", "offset_text", "valid_zone", "zone_note"]

ZONE_COOKIE: Final = "impact_zone"

_zone = lru_cache(maxsize=None)(ZoneInfo)


def valid_zone(name: str | None) -> str | None:
    """The name when it is an IANA zone's; a cookie may hold anything."""
    return name if name in known_zones() else None


def most_common_zone(cards: Iterable[ClassCard]) -> str:
    """UTC where there is no class."""
    counted = Counter(card.time_zone for card in cards).most_common()
    if not counted:
        return "UTC"
    most = counted[0][1]
    return min(zone for zone, count in counted if count == most)


def zone_note(card: ClassCard, viewer_zone: str) -> str | None:
    """`Kolkata time, UTC+05:30`, where the two zones' clocks differ when the class starts; else None."""
    if card.time_zone == viewer_zone:
        return None
    start = card.instants[0]
    theirs, ours = (start.astimezone(_zone(zone)).utcoffset() for zone in (card.time_zone, viewer_zone))
    return None if theirs == ours else f"{_city(card.time_zone)} time, {offset_text(theirs)}"


def _city(zone: str) -> str:
    return zone.rpartition("/")[2].replace("_", " ")


def offset_text(offset: timedelta | None) -> str:
    """`UTC`, `UTC+05:30`, `UTC-03:00`."""
    minutes = round((offset or timedelta()).total_seconds() / 60)
    if minutes == 0:
        return "UTC"
    return f"UTC{'+' if minutes > 0 else '-'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def clock_change(day: date, zone: str) -> str | None:
    """`Clocks go forward 1 h at 02:00` on a day on which the zone's clocks are changed; else None."""
    start, end = (datetime.combine(one, time(), tzinfo=_zone(zone)) for one in (day, day + timedelta(days=1)))
    before, after = start.utcoffset(), end.utcoffset()
    if before is None or after is None or before == after:
        return None
    way = "forward" if after > before else "back"
    at = _change_between(start.astimezone(UTC), end.astimezone(UTC), _zone(zone), before)
    return f"Clocks go {way} {_length(abs(after - before))} at {at + before:%H:%M}"


def _change_between(low: datetime, high: datetime, zone: ZoneInfo, before: timedelta) -> datetime:
    """The UTC instant of the new offset, at most a second late, by halving. `low` may be the change itself."""
    low -= timedelta(minutes=1)
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        if middle.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high


def _length(gap: timedelta) -> str:
    hours, minutes = divmod(round(gap.total_seconds() / 60), 60)
    return " ".join(part for part in (f"{hours} h" if hours else "", f"{minutes} min" if minutes else "") if part)
