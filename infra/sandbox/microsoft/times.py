"""dateTimeTimeZone, in and out."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from infra.sandbox.microsoft.errors import refuse
from infra.sandbox.microsoft.zones import REFUSED_ALTHOUGH_LISTED, graph_zone

__all__ = ["Moment", "read_moment", "shown_in"]

#: `{date}T{time}`, seconds and their fraction optional, no offset: the zone is the other property's.
_WALL = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2})?)(?:\.(\d{1,7}))?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """`instant` in UTC; `zone`: the name as the client gave it."""

    instant: datetime
    zone: str

    @property
    def is_midnight(self) -> bool:
        zone = graph_zone(self.zone)
        return self.instant.astimezone(zone).time() == time() if zone else False


def read_moment(value: Mapping[str, Any]) -> Moment:
    """Raises Refusal. A wall time that happens twice is the first; one that is skipped moves forward by the gap."""
    name = value.get("timeZone")
    if name in REFUSED_ALTHOUGH_LISTED:
        raise refuse(400, "ErrorPropertyValidationFailure")
    zone = graph_zone(name) if isinstance(name, str) else None
    if zone is None or not isinstance(name, str):
        shown = "" if name is None else str(name)[:64]
        message = f"A valid TimeZone value must be specified. The following TimeZone value is not supported: '{shown}'."
        raise refuse(400, "TimeZoneNotSupportedException", message)
    wall = _WALL.fullmatch(str(value.get("dateTime")))
    if wall is None:
        raise refuse(400, "ErrorPropertyValidationFailure")
    try:
        moment = datetime.fromisoformat(wall[1]).replace(tzinfo=zone)
    except ValueError:
        raise refuse(400, "ErrorPropertyValidationFailure") from None
    fraction = timedelta(microseconds=int((wall[2] or "0").ljust(6, "0")[:6]))
    return Moment(instant=moment.astimezone(UTC) + fraction, zone=name)


def shown_in(instant: datetime, zone: str) -> dict[str, str]:
    """Graph's way to answer a time: seven digits of a second. Raises Refusal for a zone (of a Prefer header) that it does not take."""
    known = graph_zone(zone)
    if known is None:
        message = f"A valid TimeZone value must be specified. The following TimeZone value is not supported: '{zone[:64]}'."
        raise refuse(400, "TimeZoneNotSupportedException", message)
    wall = instant.astimezone(known)
    return {"dateTime": wall.strftime("%Y-%m-%dT%H:%M:%S.%f") + "0", "timeZone": zone}
