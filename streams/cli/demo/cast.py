"""Who and what the story is about: providers, and classes whose facts change as the story goes. Nobody here is real."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from adapters.wording import SERVICE_NAMES
from schemas.connections import Service
from schemas.events import (
    ClassCancelled,
    ClassDetailsChanged,
    ClassReassigned,
    ClassRelocated,
    ClassRescheduled,
    ClassScheduled,
    Kind,
    Presence,
    StudentAdded,
)
from streams.cli.demo.services import RemoteView

__all__ = ["ASHA", "BRUNO", "CHIARA", "DMITRI", "PROVIDERS", "ZONE", "Lesson", "Provider", "Timetable"]

ZONE = "Europe/Amsterdam"


@dataclass(frozen=True, kw_only=True)
class Provider:
    name: str
    service: Service

    @property
    def provider_id(self) -> str:
        return f"provider-{self.name.lower()}"

    @property
    def email(self) -> str:
        return f"{self.name.lower()}@impact.example"

    def __str__(self) -> str:
        return f"{self.name}, {SERVICE_NAMES[self.service]}"


ASHA = Provider(name="Asha", service=Service.GOOGLE)
BRUNO = Provider(name="Bruno", service=Service.MICROSOFT)
CHIARA = Provider(name="Chiara", service=Service.GOOGLE)
DMITRI = Provider(name="Dmitri", service=Service.MICROSOFT)
PROVIDERS = (ASHA, BRUNO, CHIARA, DMITRI)


class Lesson:
    """One class. Each method that changes it gives the domain event of the change, with the next version."""

    def __init__(
        self, name: str, *, title: str, class_type: str, at: datetime, minutes: int, place: str, provider: Provider, kind: Kind = Kind.CLASS
    ) -> None:
        self.class_id = f"class-{name}"
        self.title, self.class_type, self.kind = title, class_type, kind
        self.starts_at, self.ends_at = at, at + timedelta(minutes=minutes)
        self.place, self.provider = place, provider
        self.version = 0
        self.student_ids: list[str] = []

    @property
    def url(self) -> str:
        return f"https://booking.example/classes/{self.class_id}"

    def scheduled(self) -> ClassScheduled:
        return ClassScheduled(
            class_id=self.class_id,
            version=self._next(),
            kind=self.kind,
            class_type=self.class_type,
            title=self.title,
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            time_zone=ZONE,
            location=self.place,
            presence=Presence.IN_PERSON,
            provider_ids=(self.provider.provider_id,),
            url=self.url,
        )

    def student_added(self) -> StudentAdded:
        self.student_ids.append(f"student-of-{self.class_id}-{len(self.student_ids) + 1}")
        return StudentAdded(class_id=self.class_id, version=self._next(), student_id=self.student_ids[-1])

    def moved(self, by: timedelta) -> ClassRescheduled:
        self.starts_at, self.ends_at = self.starts_at + by, self.ends_at + by
        return ClassRescheduled(
            class_id=self.class_id, version=self._next(), starts_at=self.starts_at, ends_at=self.ends_at, time_zone=ZONE
        )

    def relocated(self, place: str) -> ClassRelocated:
        self.place = place
        return ClassRelocated(class_id=self.class_id, version=self._next(), location=place)

    def reassigned(self, provider: Provider) -> ClassReassigned:
        self.provider = provider
        return ClassReassigned(class_id=self.class_id, version=self._next(), provider_ids=(provider.provider_id,))

    def renamed(self, title: str) -> ClassDetailsChanged:
        self.title = title
        return ClassDetailsChanged(class_id=self.class_id, version=self._next(), title=title)

    def cancelled(self) -> ClassCancelled:
        return ClassCancelled(class_id=self.class_id, version=self._next(), reason="too few bookings")

    def is_shown_by(self, event: RemoteView) -> bool:
        """Whether the calendar shows it as it is now: title, place, wall time, and the instant that this is."""
        zone = ZoneInfo(ZONE)
        return (
            (event.title, event.location) == (self.title, self.place)
            and (event.start_local, event.end_local) == (self.starts_at, self.ends_at)
            and (event.start_utc, event.end_utc) == (self.starts_at.replace(tzinfo=zone), self.ends_at.replace(tzinfo=zone))
        )

    def _next(self) -> int:
        self.version += 1
        return self.version


class Timetable:
    """The classes of the story, all in the two weeks after `today`."""

    def __init__(self, today: date) -> None:
        self._today = today
        self.yoga = self._class("vinyasa-yoga", "Vinyasa Yoga", 2, time(9, 30), "Studio 1", ASHA)
        self.pilates = self._class("reformer-pilates", "Reformer Pilates", 3, time(18, 0), "Studio 3", BRUNO)
        self.cycling = self._class("indoor-cycling", "Indoor Cycling", 3, time(7, 15), "Cycling Room", CHIARA)
        self.meditation = self._class("meditation", "Morning Meditation", 4, time(8, 0), "Quiet Room", ASHA)
        self.barre = self._class("barre", "Barre Basics", 5, time(17, 0), "Studio 2", BRUNO)
        self.boxing = self._class("boxing", "Boxing Fundamentals", 6, time(19, 0), "Gym Floor", DMITRI)
        self.stretch = self._class("deep-stretch", "Deep Stretch", 7, time(20, 0), "Studio 1", CHIARA)
        self.aqua = self._class("aqua-fitness", "Aqua Fitness", 8, time(10, 0), "Pool", DMITRI)
        self.training = tuple(self._training(number) for number in range(40))

    def _class(self, name: str, title: str, days: int, at: time, place: str, provider: Provider) -> Lesson:
        starts_at = datetime.combine(self._today + timedelta(days=days), at)
        return Lesson(name, title=title, class_type=title, at=starts_at, minutes=60, place=place, provider=provider)

    def _training(self, number: int) -> Lesson:
        """Appointments, ten for each provider, on days that no class of the story is on."""
        day = self._today + timedelta(days=10 + number // 20)
        return Lesson(
            f"training-{number + 1:02}",
            title=f"Personal Training {number + 1}",
            class_type="Personal Training",
            at=datetime.combine(day, time(9, 0)) + timedelta(minutes=45 * (number // 4 % 5)),
            minutes=45,
            place="Gym Floor",
            provider=PROVIDERS[number % len(PROVIDERS)],
            kind=Kind.APPOINTMENT,
        )
