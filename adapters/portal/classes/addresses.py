"""Addresses of the classes pages. Those under /live/ are asked for by the page's script."""

from collections.abc import Callable
from typing import Final
from urllib.parse import urlencode

from adapters.portal.classes.filters import ClassFilters

__all__ = [
    "CALENDAR",
    "LIVE_CALENDAR",
    "LIVE_CHANGES",
    "LIVE_TIMELINE",
    "TIMELINE",
    "calendar_url",
    "changes_url",
    "timeline_url",
    "timeline_urls",
]

CALENDAR: Final = "/manage/classes"
TIMELINE: Final = "/manage/classes/timeline"
LIVE_CALENDAR: Final = "/live/classes/calendar"
LIVE_TIMELINE: Final = "/live/classes/timeline"
LIVE_CHANGES: Final = "/live/classes/changes"


def calendar_url(filters: ClassFilters, base: str = CALENDAR) -> str:
    query = filters.query()
    return f"{base}?{query}" if query else base


def timeline_url(class_id: str, filters: ClassFilters, base: str = TIMELINE) -> str:
    """The filters lead back to where the reader came from. The id is in the query: as a part of a path `..` would be lost."""
    return f"{base}?{filters.query(**{'class': class_id})}"


def timeline_urls(filters: ClassFilters) -> Callable[[str], str]:
    """`timeline_url` for many classes of one page."""
    behind = filters.query()
    tail = f"&{behind}" if behind else ""
    return lambda class_id: f"{TIMELINE}?{urlencode({'class': class_id})}{tail}"


def changes_url(filters: ClassFilters, seen: str, class_id: str | None = None) -> str:
    """`seen`: the digest of what the page shows."""
    more = {"seen": seen} if class_id is None else {"seen": seen, "class": class_id}
    return f"{LIVE_CHANGES}?{filters.query(**more)}"
