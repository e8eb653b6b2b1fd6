"""Domain events of the booking system: what `booking.class-events.v1` carries.

The input contract is fixed (see schemas/asyncapi.yaml): these shapes are published by others. Unknown fields are ignored, so
that the booking system may add some; missing or wrong ones are a dead letter that names the field.
"""

from datetime import datetime
from enum import Enum
from functools import lru_cache
from typing import Annotated
from zoneinfo import available_timezones

import msgspec

__all__ = [
    "EVENT_TYPES", "FIRST_YEAR", "LAST_YEAR", "SOURCE", "TYPE_PREFIX", "TYPE_SUFFIX",
    "ClassCancelled", "ClassDetailsChanged", "ClassEvent", "ClassReassigned", "ClassRelocated", "ClassRescheduled", "ClassScheduled",
    "ClassSnapshotted", "DomainEvent", "Identifier", "Kind", "Presence", "StudentAdded", "StudentRemoved", "WallTime",
    "known_zones", "short_name", "type_of",
]  # fmt: skip

TYPE_PREFIX = "com.impactfeedback.booking."
TYPE_SUFFIX = ".v1"
SOURCE = "/impact-feedback/booking"

Identifier = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
#: At most 63 bits: what every store and every other language can hold.
Version = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
WallTime = Annotated[datetime, msgspec.Meta(tz=False)]
ProviderIds = Annotated[tuple[Identifier, ...], msgspec.Meta(min_length=1)]
Url = Annotated[str, msgspec.Meta(pattern=r"^https?://")]


#: Wall times outside these years have no UTC instant in every zone, or are placeholders that no calendar takes.
FIRST_YEAR, LAST_YEAR = 1900, 9998


class Kind(Enum):
    CLASS = "class"
    APPOINTMENT = "appointment"


class Presence(Enum):
    IN_PERSON = "in_person"
    ONLINE = "online"
    HYBRID = "hybrid"


@lru_cache(maxsize=1)
def known_zones() -> frozenset[str]:
    """The IANA zone names of the installed time zone database."""
    return frozenset(available_timezones())


def _check_when(starts_at: datetime, ends_at: datetime, time_zone: str) -> None:
    if starts_at.year < FIRST_YEAR or ends_at.year > LAST_YEAR:
        raise ValueError(f"starts_at and ends_at have to lie in the years {FIRST_YEAR} to {LAST_YEAR}")
    if ends_at < starts_at:
        raise ValueError("ends_at is before starts_at")
    if time_zone not in known_zones():
        raise ValueError(f"time_zone is not an IANA zone name: {time_zone[:64]!r}")


class DomainEvent(msgspec.Struct, frozen=True, kw_only=True):
    """What every event's `data` has: the class and its version (1, 2, 3 ... per class)."""

    class_id: Identifier
    version: Version


class ClassScheduled(DomainEvent, frozen=True, kw_only=True):
    """A class was put on the schedule. A higher version revives a cancelled class."""

    kind: Kind
    class_type: str
    title: str
    starts_at: WallTime
    ends_at: WallTime
    time_zone: str
    location: str
    presence: Presence
    provider_ids: ProviderIds
    url: Url | None = None

    def __post_init__(self) -> None:
        _check_when(self.starts_at, self.ends_at, self.time_zone)


class ClassRescheduled(DomainEvent, frozen=True, kw_only=True):
    """The class takes place at another time."""

    starts_at: WallTime
    ends_at: WallTime
    time_zone: str

    def __post_init__(self) -> None:
        _check_when(self.starts_at, self.ends_at, self.time_zone)


class ClassRelocated(DomainEvent, frozen=True, kw_only=True):
    """`presence` unset means unchanged."""

    location: str
    presence: Presence | None = None


class ClassReassigned(DomainEvent, frozen=True, kw_only=True):
    """The class is given by these providers from now on, and by no others."""

    provider_ids: ProviderIds


class ClassDetailsChanged(DomainEvent, frozen=True, kw_only=True):
    """A field that is absent is unchanged; `url: null` takes the link away."""

    title: str | msgspec.UnsetType = msgspec.UNSET
    class_type: str | msgspec.UnsetType = msgspec.UNSET
    url: Url | msgspec.UnsetType | None = msgspec.UNSET


class ClassCancelled(DomainEvent, frozen=True, kw_only=True):
    """The class does not take place. The roster is kept; a later schedule of the class revives it."""

    reason: str | None = None


class ClassSnapshotted(DomainEvent, frozen=True, kw_only=True):
    """The whole truth at that version: replaces everything, the roster and `cancelled` too."""

    kind: Kind
    class_type: str
    title: str
    starts_at: WallTime
    ends_at: WallTime
    time_zone: str
    location: str
    presence: Presence
    provider_ids: ProviderIds
    student_ids: tuple[Identifier, ...]
    cancelled: bool
    url: Url | None = None

    def __post_init__(self) -> None:
        _check_when(self.starts_at, self.ends_at, self.time_zone)


class StudentAdded(DomainEvent, frozen=True, kw_only=True):
    """A student joined the class. Twice is the same as once."""

    student_id: Identifier


class StudentRemoved(DomainEvent, frozen=True, kw_only=True):
    """A student left the class."""

    student_id: Identifier


ClassEvent = (
    ClassScheduled
    | ClassRescheduled
    | ClassRelocated
    | ClassReassigned
    | ClassDetailsChanged
    | ClassCancelled
    | ClassSnapshotted
    | StudentAdded
    | StudentRemoved
)

_SHORT_NAMES: dict[str, type[ClassEvent]] = {
    "class.scheduled": ClassScheduled,
    "class.rescheduled": ClassRescheduled,
    "class.relocated": ClassRelocated,
    "class.reassigned": ClassReassigned,
    "class.details_changed": ClassDetailsChanged,
    "class.cancelled": ClassCancelled,
    "class.snapshotted": ClassSnapshotted,
    "roster.student_added": StudentAdded,
    "roster.student_removed": StudentRemoved,
}

#: CloudEvents `type` -> the struct of its `data`. The type stands in the envelope only, so `data` may carry any field.
EVENT_TYPES: dict[str, type[ClassEvent]] = {f"{TYPE_PREFIX}{short}{TYPE_SUFFIX}": cls for short, cls in _SHORT_NAMES.items()}

_TYPE_OF: dict[type[ClassEvent], str] = {cls: name for name, cls in EVENT_TYPES.items()}


def short_name(type_: str) -> str:
    """`class.scheduled` of the CloudEvents `type`."""
    return type_.removeprefix(TYPE_PREFIX).removesuffix(TYPE_SUFFIX)


def type_of(event: ClassEvent) -> str:
    """The CloudEvents `type` of an event."""
    return _TYPE_OF[type(event)]
