"""Wall time and zone to instants, by the contract's two rules.

A wall time that happens twice (clocks go back) means the first; one that is skipped (clocks go forward) moves forward by the gap.
Both are what PEP 495 gives for fold=0.
"""

from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

__all__ = ["instants"]

_zone = lru_cache(maxsize=None)(ZoneInfo)


def _instant(wall: datetime, time_zone: str) -> datetime:
    return wall.replace(tzinfo=_zone(time_zone), fold=0).astimezone(UTC)


def instants(starts_at: datetime, ends_at: datetime, time_zone: str) -> tuple[datetime, datetime]:
    """Start and end in UTC of a class given in naive wall time and an IANA zone.

    Where a skipped start would land on or after its end, the end moves with it: the class keeps its length.
    """
    start, end = _instant(starts_at, time_zone), _instant(ends_at, time_zone)
    if end <= start:
        end = start + (ends_at - starts_at)
    return start, end
