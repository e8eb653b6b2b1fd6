"""The backlog that every fold engine gets: domain events as the booking system publishes them, from a seed, and their expected fold."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.envelope import encode_event
from schemas.events import (
    ClassCancelled,
    ClassDetailsChanged,
    ClassEvent,
    ClassReassigned,
    ClassRelocated,
    ClassRescheduled,
    ClassScheduled,
    Kind,
    Presence,
    StudentAdded,
    StudentRemoved,
)
from streams.domain.fold import FoldResult, fold_records

__all__ = ["Backlog", "Record", "make_backlog"]

_ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Sydney")
_TITLES = ("Vinyasa Yoga", "Spinning 45", "Reformer Pilates", "Boxing basics", "Physiotherapy", "Strength and conditioning")
_PLACES = ("Studio 1", "Studio 2", "Main hall", "Pool", "Room 214, second floor")
#: What happens to a class, and how often. Roster changes between the first student and the last cost no intent.
_CHANGES = {"roster": 61, "rescheduled": 15, "relocated": 8, "details": 8, "reassigned": 4, "cancelled": 2}


@dataclass(slots=True)
class Record:
    """A record as it will be consumed; `streams.domain.fold.RawRecord` by shape."""

    key: bytes | None
    value: bytes | None
    offset: int
    timestamp: int = -1
    headers: Sequence[tuple[str, bytes]] = ()


@dataclass(frozen=True, kw_only=True)
class Backlog:
    """`expected`: the pure fold of the records, in one go."""

    records: list[Record]
    expected: FoldResult

    @property
    def bytes_per_event(self) -> float:
        return sum(len(record.value or b"") for record in self.records) / len(self.records)

    @property
    def intents_per_event(self) -> float:
        return len(self.expected.intents) / len(self.records)


def make_backlog(*, events: int, classes: int, providers: int, seed: int = 7) -> Backlog:
    """The same arguments give the same bytes."""
    chance = random.Random(seed)
    histories = [_History(f"class-{seed}-{number:06d}", providers, chance) for number in range(classes)]
    records = []
    for number in range(events):
        history = histories[number] if number < classes else chance.choice(histories)
        event = history.next()
        time = _START + timedelta(milliseconds=number)
        value = encode_event(event, id=f"{seed:04d}-{number:012d}", time=time)
        records.append(Record(key=event.class_id.encode(), value=value, offset=number))
    return Backlog(records=records, expected=fold_records(records, lambda _: None))


_START = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
#: Far enough ahead that no class has ended when the bench runs.
_FIRST_DAY = datetime(2031, 3, 3, 9, 30)


class _History:
    """One class: scheduled, then booked by students, then changed again and again."""

    def __init__(self, class_id: str, providers: int, chance: random.Random) -> None:
        self._id = class_id
        self._providers = providers
        self._chance = chance
        self._version = 0
        self._students: list[str] = []
        self._events = self._run()

    def next(self) -> ClassEvent:
        return next(self._events)

    def _run(self) -> Iterator[ClassEvent]:
        yield self._scheduled()
        yield self._student_added()
        while True:
            match self._chance.choices(list(_CHANGES), list(_CHANGES.values()))[0]:
                case "roster":
                    yield self._roster_change()
                case "rescheduled":
                    starts_at, ends_at, time_zone = self._times()
                    yield ClassRescheduled(**self._head(), starts_at=starts_at, ends_at=ends_at, time_zone=time_zone)
                case "relocated":
                    yield ClassRelocated(**self._head(), location=self._chance.choice(_PLACES))
                case "details":
                    yield ClassDetailsChanged(**self._head(), title=f"{self._chance.choice(_TITLES)}, level {self._chance.randint(1, 9)}")
                case "reassigned":
                    yield ClassReassigned(**self._head(), provider_ids=(self._provider(),))
                case _:
                    yield ClassCancelled(**self._head(), reason="instructor is ill")
                    yield self._scheduled()

    def _head(self) -> dict[str, Any]:
        self._version += 1
        return {"class_id": self._id, "version": self._version}

    def _times(self) -> tuple[datetime, datetime, str]:
        starts_at = _FIRST_DAY + timedelta(days=self._chance.randint(0, 90), minutes=15 * self._chance.randint(0, 30))
        return starts_at, starts_at + timedelta(minutes=self._chance.choice((45, 60, 90))), self._chance.choice(_ZONES)

    def _provider(self) -> str:
        return f"provider-{self._chance.randrange(self._providers):05d}"

    def _scheduled(self) -> ClassScheduled:
        starts_at, ends_at, time_zone = self._times()
        return ClassScheduled(
            **self._head(),
            kind=Kind.CLASS,
            class_type="group",
            title=self._chance.choice(_TITLES),
            starts_at=starts_at,
            ends_at=ends_at,
            time_zone=time_zone,
            location=self._chance.choice(_PLACES),
            presence=self._chance.choice(list(Presence)),
            provider_ids=(self._provider(),),
            url=f"https://classes.example/{self._id}",
        )

    def _roster_change(self) -> StudentAdded | StudentRemoved:
        """The last student stays, or there would be nothing to tell of."""
        if len(self._students) > 1 and (len(self._students) > 15 or self._chance.random() < 0.45):
            gone = self._students.pop(self._chance.randrange(len(self._students)))
            return StudentRemoved(**self._head(), student_id=gone)
        return self._student_added()

    def _student_added(self) -> StudentAdded:
        event = StudentAdded(**self._head(), student_id=f"student-{self._chance.randrange(10**9):09d}")
        self._students.append(event.student_id)
        return event
