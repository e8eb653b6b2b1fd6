"""What the read model answers with. Frozen; no student's id or name in any of it, only how many there are.

These are msgspec Structs (a month of thousands of classes is made in milliseconds): `msgspec.structs.replace`, `asdict` and
`msgspec.to_builtins` take the place of their namesakes for dataclasses.
"""

from datetime import date, datetime
from enum import Enum

import msgspec

from schemas.connections import ConnectionState, Service
from schemas.events import Kind, Presence
from schemas.intents import Lane
from schemas.wall_time import instants

__all__ = [
    "HIDE",
    "SHOW",
    "BookedStatus",
    "CalendarSummary",
    "Changes",
    "Choices",
    "ClassCard",
    "ClassQuery",
    "ConnectionView",
    "EntryCount",
    "EntryMark",
    "LastChange",
    "Mark",
    "Stage",
    "Timeline",
    "TimelineStep",
    "Tone",
]


#: The kinds of an intent's step.
SHOW, HIDE = "show", "hide"


class Mark(Enum):
    """How a class stands with one provider's calendar. NONE: nothing shall stand there, or the provider took it off (`reason` says)."""

    SYNCED = "synced"
    WAITING = "waiting"
    FAILED = "failed"
    NOT_CONNECTED = "not_connected"
    NONE = "none"


class BookedStatus(Enum):
    """A cancelled class is CANCELLED, whoever is on its roster."""

    BOOKED = "booked"
    NOT_BOOKED = "not_booked"
    CANCELLED = "cancelled"


class Stage(Enum):
    """The part of the way that a step of a timeline belongs to."""

    EVENT = "event"
    INTENT = "intent"
    OUTCOME = "outcome"


class Tone(Enum):
    """How a step is to be taken, for its colour and symbol."""

    NEUTRAL = "neutral"
    GOOD = "good"
    WAITING = "waiting"
    BAD = "bad"


class ConnectionView(msgspec.Struct, frozen=True, kw_only=True):
    """One provider's connection as last published. `reason`: the service's own word where it needs reconnecting (`invalid_grant`)."""

    provider_id: str
    grant_id: str
    service: Service
    email: str
    state: ConnectionState
    connected_at: datetime
    changed_at: datetime
    reason: str | None = None


class EntryMark(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A mark and why. `reason`: a short stable word or the service's error; `words`: one plain sentence for a person.

    `next_try_at` (UTC) where a retry is due; it may lie in the past while the retry is on its way.
    """

    provider_id: str
    mark: Mark
    reason: str | None = None
    words: str = ""
    next_try_at: datetime | None = None
    service: Service | None = None


class EntryCount(msgspec.Struct, frozen=True, kw_only=True):
    """So many classes wait, or failed, for one reason. `next_try_at`: the soonest of them, UTC."""

    reason: str
    words: str
    count: int
    next_try_at: datetime | None = None


class LastChange(msgspec.Struct, frozen=True, kw_only=True):
    """The last time that something changed on the provider's calendar. `words`: "Yoga for all was put on the calendar"."""

    class_id: str
    title: str
    words: str
    at: datetime


class CalendarSummary(msgspec.Struct, frozen=True, kw_only=True):
    """`standing`: classes that stand on the calendar as far as we know, past ones included until they are forgotten."""

    standing: int = 0
    waiting: tuple[EntryCount, ...] = ()
    failed: tuple[EntryCount, ...] = ()
    last_change: LastChange | None = None

    @property
    def waiting_count(self) -> int:
        return sum(count.count for count in self.waiting)


class ClassQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Classes that take place, in their own wall time, on a day of `first_day` to `last_day` (both included).

    An empty set asks for all. `provider_restriction`: only classes that this provider gives (what a provider may see).
    """

    first_day: date
    last_day: date
    provider_ids: frozenset[str] = frozenset()
    class_types: frozenset[str] = frozenset()
    presences: frozenset[Presence] = frozenset()
    booked_statuses: frozenset[BookedStatus] = frozenset()
    provider_restriction: str | None = None


class ClassCard(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One class. `starts_at`, `ends_at`: naive wall time in `time_zone`. `marks`: one for each provider, in the class's order."""

    class_id: str
    kind: Kind
    class_type: str
    title: str
    starts_at: datetime
    ends_at: datetime
    time_zone: str
    location: str
    presence: Presence
    url: str | None
    status: BookedStatus
    student_count: int
    provider_ids: tuple[str, ...]
    marks: tuple[EntryMark, ...] = ()

    @property
    def booked(self) -> bool:
        return self.status is BookedStatus.BOOKED

    @property
    def cancelled(self) -> bool:
        return self.status is BookedStatus.CANCELLED

    @property
    def instants(self) -> tuple[datetime, datetime]:
        """Start and end in UTC."""
        return instants(self.starts_at, self.ends_at, self.time_zone)


class Choices(msgspec.Struct, frozen=True, kw_only=True):
    """What the filters can be set to, sorted; the presences are all that there are."""

    provider_ids: tuple[str, ...] = ()
    class_types: tuple[str, ...] = ()
    presences: tuple[Presence, ...] = tuple(Presence)


class TimelineStep(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened. `provider_id` None: it concerns the class, not one calendar. `words`: a plain sentence.

    `kind`: an event's short name, SHOW or HIDE of an intent, an outcome's kind. `revision`: the class's version that it belongs to.
    `attempt`, `lane`, `reason`, `next_try_at`, `service`: of outcomes.
    """

    at: datetime
    stage: Stage
    tone: Tone
    words: str
    revision: int
    provider_id: str | None = None
    kind: str = ""
    reason: str | None = None
    attempt: int | None = None
    lane: Lane | None = None
    service: Service | None = None
    next_try_at: datetime | None = None


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """Why a class is, or is not, on its providers' calendars. `card` None: events of the class came before it was scheduled.

    `marks` are the card's and those of providers who gave the class before and still have something of it on their calendar.
    """

    class_id: str
    card: ClassCard | None
    marks: tuple[EntryMark, ...]
    steps: tuple[TimelineStep, ...]


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """What changed after a cursor. `more`: only the first ones are here; ask again with `cursor`.

    `many`: more changed than was worth naming, or the cursor is older than what is kept: whatever one looks at may have changed.
    """

    cursor: int
    class_ids: frozenset[str] = frozenset()
    provider_ids: frozenset[str] = frozenset()
    more: bool = False
    many: bool = False
