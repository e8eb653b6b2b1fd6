"""A class's wall times in a form that Microsoft Graph takes, denoting the instants of schemas.wall_time.

Graph takes Windows zone names and only some IANA names, so the zone goes out under its Windows name (CLDR's mapping, as kept by
tzlocal); by it Outlook shows in which zone the class was planned. The rule: the Windows name is sent only where nobody can read another
instant into the wall time, and UTC in every other case, which Outlook shows in the calendar owner's own zone. UTC goes out when

- the zone has no Windows name, or one that services may not know yet, or one whose rules Windows cannot tell;
- either wall time happens twice or never, since then the service would choose;
- the zone that CLDR gives as the Windows zone's own has another offset than the class's zone at either wall time.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from tzlocal.windows_tz import tz_win, win_tz

from schemas.wall_time import instants

__all__ = ["GraphTimes", "graph_times", "windows_name"]

UTC_NAME = "UTC"

#: Named by Windows in 2026 only. A service that does not know a name answers 400, and the class would be a dead letter.
YOUNG_NAMES = frozenset({"Alberta Standard Time", "British Columbia Standard Time", "Manitoba Standard Time"})

#: Their clocks do not change on the same weekday of a month every year (Ramadan, "the Friday before the last Sunday"). Windows has rules by
#: weekday, and corrections of single years that arrive with its updates. A test computes the list from the time zone database.
IRREGULAR_NAMES = frozenset({"Greenland Standard Time", "Israel Standard Time", "Morocco Standard Time", "West Bank Standard Time"})


@dataclass(frozen=True, kw_only=True)
class GraphTimes:
    """`start` and `end` as `dateTimeTimeZone.dateTime` has them: wall time in `zone`, a name that Graph takes."""

    start: str
    end: str
    zone: str


def graph_times(starts_at: datetime, ends_at: datetime, time_zone: str) -> GraphTimes:
    """For naive wall times in an IANA zone."""
    name = windows_name(time_zone)
    if name is not None and _certain((starts_at, ends_at), time_zone, win_tz[name]):
        return GraphTimes(start=_text(starts_at), end=_text(ends_at), zone=name)
    start, end = instants(starts_at, ends_at, time_zone)
    return GraphTimes(start=_text(start), end=_text(end), zone=UTC_NAME)


@lru_cache(maxsize=1024)
def windows_name(time_zone: str) -> str | None:
    """The Windows name under which the zone may be sent; None: send UTC."""
    name = tz_win.get(time_zone)
    return None if name is None or name in YOUNG_NAMES | IRREGULAR_NAMES else name


_zone = lru_cache(maxsize=1024)(ZoneInfo)


def _certain(wall_times: Iterable[datetime], *zones: str) -> bool:
    """Whether each wall time has one and the same offset in all zones, read as the first or as the second of its kind (PEP 495)."""
    return all(
        len({wall.replace(tzinfo=_zone(zone), fold=fold).utcoffset() for zone in zones for fold in (0, 1)}) == 1 for wall in wall_times
    )


def _text(time: datetime) -> str:
    return time.replace(tzinfo=None).isoformat()
