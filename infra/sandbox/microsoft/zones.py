"""The time zone names that Graph takes in a dateTimeTimeZone: Windows' own, and a listed subset of IANA's.

Sources: learn.microsoft.com/graph/api/resources/datetimetimezone for the subset; Unicode CLDR's windowsZones (territory 001) for the
Windows names and the IANA zone each stands for. Where the page shows two names ("Europe/Kyiv (Kiev)", "Asia/Astana (Almaty)"), the one in
parentheses is the service's. `Africa/Casablanca` is on the page but the service refuses it (microsoft-graph-docs#19286).
"""

import json
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

__all__ = ["REFUSED_ALTHOUGH_LISTED", "graph_zone", "zone_of"]

REFUSED_ALTHOUGH_LISTED = frozenset({"Africa/Casablanca"})


@lru_cache(maxsize=1)
def _windows() -> Mapping[str, str]:
    """Windows name -> IANA name."""
    names: Mapping[str, str] = _data()["windows"]
    return names


@lru_cache(maxsize=1)
def _iana_subset() -> frozenset[str]:
    return frozenset(_data()["iana"])


def _data() -> Mapping[str, Any]:
    path = files("infra.sandbox.microsoft") / "zones.json"
    data: Mapping[str, Any] = json.loads(path.read_text("utf-8"))
    return data


@lru_cache(maxsize=1024)
def graph_zone(name: str) -> ZoneInfo | None:
    """The zone of a name that Graph takes; None for any other."""
    iana = _windows().get(name) or (name if name in _iana_subset() else None)
    return None if iana is None else ZoneInfo(iana)


@lru_cache(maxsize=1024)
def zone_of(name: str) -> ZoneInfo:
    """The zone of a Windows or an IANA name, for showing; UTC for a name that is neither."""
    try:
        return ZoneInfo(_windows().get(name, name))
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
