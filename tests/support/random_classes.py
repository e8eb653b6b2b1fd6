"""Random events of one class, as plain data: believable titles and places, several zones, often around a change of the clocks."""

import random
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property, lru_cache
from typing import Any
from zoneinfo import ZoneInfo

__all__ = ["SECRET", "ZONES", "RandomClass"]

#: In every student's id and in every reason given for a cancellation: what must not come out anywhere.
SECRET = "student-SECRET-"
ZONES = ("Europe/Berlin", "America/New_York", "Africa/Casablanca", "Asia/Kolkata", "Australia/Lord_Howe")

_TITLES = (
    "Yoga",
    "Pilates 2",
    "Crème brûlée für Anfänger",
    "Boxing <b>hard</b> & fair",
    'The "big" stretch',
    "日本語会話",
    "Swim 🏊",
    "Tax talk",
)
_PLACES = ("", "Room 1", "Room 2, 3rd floor", "Hauptstraße 5, Köln", "https://meet.example/abc", "Gym\nBack door")
_WEIGHTS = {
    "roster.student_added": 30,
    "roster.student_removed": 13,
    "class.rescheduled": 14,
    "class.relocated": 8,
    "class.reassigned": 9,
    "class.details_changed": 9,
    "class.cancelled": 6,
    "class.scheduled": 6,
    "class.snapshotted": 5,
}
_FIRST = {"class.scheduled": 14, "roster.student_added": 2, "class.snapshotted": 2, "class.rescheduled": 1, "class.cancelled": 1}


@dataclass(frozen=True, kw_only=True)
class RandomClass:
    """Draws from `rng` the events of one class. Classes are from two days after `today` on."""

    rng: random.Random
    class_id: str
    providers: tuple[str, ...]
    today: date

    def event(self, *, first: bool) -> tuple[str, dict[str, Any]]:
        """A type, without prefix and suffix, and its data beside class_id and version."""
        weights = _FIRST if first else _WEIGHTS
        event_type = self.rng.choices(list(weights), list(weights.values()))[0]
        return event_type, self._data(event_type) | self._unknown_fields(event_type)

    @cached_property
    def _students(self) -> list[str]:
        """Few, so that they come back and leave again."""
        return [f"{SECRET}{self.rng.randrange(10_000):04d}" for _ in range(self.rng.randint(2, 4))]

    def _data(self, event_type: str) -> dict[str, Any]:
        match event_type:
            case "class.scheduled":
                return self._whole()
            case "class.snapshotted":
                on_roster = self.rng.choices(self._students, k=self.rng.randint(0, 4))
                return self._whole() | {"student_ids": on_roster, "cancelled": self.rng.random() < 0.2}
            case "class.rescheduled":
                return self._when()
            case "class.relocated":
                return self._place() if self.rng.random() < 0.5 else {"location": self.rng.choice(_PLACES)}
            case "class.reassigned":
                return self._who()
            case "class.details_changed":
                given = self._what() | {"url": self.rng.choice((self._url(), None))}
                return {name: given[name] for name in given if self.rng.random() < 0.6}
            case "class.cancelled":
                return self.rng.choice(({}, {"reason": None}, {"reason": f"{self._students[0]} is ill"}))
            case _:
                return {"student_id": self.rng.choice(self._students)}

    def _whole(self) -> dict[str, Any]:
        kind = {"kind": self.rng.choice(("class", "appointment"))}
        link = {"url": self._url()} if self.rng.random() < 0.6 else {}
        return kind | self._what() | self._when() | self._place() | self._who() | link

    def _what(self) -> dict[str, Any]:
        return {"title": f"{self.rng.choice(_TITLES)} {self.rng.randrange(100)}", "class_type": self.rng.choice(("yoga", "box", "talk"))}

    def _place(self) -> dict[str, Any]:
        return {"location": self.rng.choice(_PLACES), "presence": self.rng.choice(("in_person", "online", "hybrid"))}

    def _who(self) -> dict[str, Any]:
        """A provider may be named twice."""
        return {"provider_ids": self.rng.choices(self.providers, k=self.rng.choice((1, 1, 1, 2, 3)))}

    def _when(self) -> dict[str, Any]:
        zone = self.rng.choice(ZONES)
        changes = clock_changes(zone, self.today)
        if changes and self.rng.random() < 0.5:
            day = changes[int(self.rng.random() * len(changes))]  # one draw, however many changes lie ahead today
            starts_at = datetime.combine(day, datetime.min.time()) + timedelta(minutes=15 * self.rng.randrange(16))
        else:
            starts_at = datetime.combine(self.today, datetime.min.time()) + timedelta(minutes=15 * self.rng.randrange(2 * 96, 200 * 96))
        ends_at = starts_at + timedelta(minutes=self.rng.choice((0, 15, 30, 45, 60, 90, 480, 1500)))
        return {"starts_at": starts_at.isoformat(), "ends_at": ends_at.isoformat(), "time_zone": zone}

    def _url(self) -> str:
        return f"https://classes.example/c/{self.class_id}?a={self.rng.randrange(100)}&b=2"

    def _unknown_fields(self, event_type: str) -> dict[str, Any]:
        """What a later booking system may add: a field nobody knows, or another event's field where it means nothing."""
        if self.rng.random() > 0.1:
            return {}
        extra: dict[str, Any] = {"x_added_later": {"by": self._students[0]}}
        if event_type.startswith("roster."):
            extra |= {"title": "not a title", "cancelled": True}
        return extra


@lru_cache(maxsize=64)
def clock_changes(zone_name: str, today: date) -> tuple[date, ...]:
    """The wall days, from two days after `today` and for 400 days, on which clocks in the zone are changed."""
    noon = datetime.combine(today, datetime.min.time(), ZoneInfo(zone_name)) + timedelta(hours=12)
    days = [noon + timedelta(days=number) for number in range(2, 402)]
    return tuple(day.date() for day in days if day.utcoffset() != (day - timedelta(days=1)).utcoffset())
