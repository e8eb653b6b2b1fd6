"""The booking system as the contract describes it: plain JSON, written here by hand, so that no code of ours vouches for itself."""

import json
import secrets
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

__all__ = ["STRUCTURED", "TYPE", "ClassStory", "Headers", "Publish", "cloud_event", "ending_in"]

Headers = tuple[tuple[str, bytes], ...]
#: `publish(key, value, headers)`: confirmed when it returns.
Publish = Callable[[bytes | None, bytes | None, Headers], Awaitable[object]]

STRUCTURED: Headers = (("content-type", b"application/cloudevents+json"),)
TYPE = "com.impactfeedback.booking.{}.v1"

_DETAILS: dict[str, Any] = {
    "kind": "class",
    "class_type": "yoga",
    "title": "Yoga for beginners",
    "starts_at": "2030-05-06T09:30:00",
    "ends_at": "2030-05-06T10:45:00",
    "time_zone": "Europe/Berlin",
    "location": "Studio 2",
    "presence": "in_person",
    "url": "https://classes.example/yoga",
}


def cloud_event(short_type: str, data: Mapping[str, Any], *, id: str | None = None) -> dict[str, Any]:
    """The envelope of one domain event."""
    return {
        "specversion": "1.0",
        "id": id or f"event-{secrets.token_hex(8)}",
        "source": "/impact-feedback/booking",
        "type": TYPE.format(short_type),
        "subject": data["class_id"],
        "time": datetime.now(UTC).isoformat(),
        "datacontenttype": "application/json",
        "data": dict(data),
    }


def ending_in(seconds: float) -> dict[str, str]:
    """Times of a class that is under way and ends so soon; whole seconds, in UTC."""
    end = datetime.now(UTC).replace(tzinfo=None, microsecond=0) + timedelta(seconds=seconds)
    return {"starts_at": (end - timedelta(hours=1)).isoformat(), "ends_at": end.isoformat(), "time_zone": "UTC"}


class ClassStory:
    """One class, told event by event: `version` is that of the last one. Every value published is kept in `published`."""

    def __init__(self, publish: Publish, class_id: str, new_student: Callable[[], str]) -> None:
        self._publish = publish
        self._new_student = new_student
        self.class_id = class_id
        self.version = 0
        self.students: list[str] = []
        self.published: list[bytes] = []

    async def schedule(self, *provider_ids: str, **changes: Any) -> int:
        return await self.tell("class.scheduled", **_DETAILS | changes, provider_ids=provider_ids)

    async def book(self, *provider_ids: str, **changes: Any) -> int:
        """Scheduled, and a first student comes."""
        await self.schedule(*provider_ids, **changes)
        return await self.join()

    async def book_last(self, *provider_ids: str, **changes: Any) -> int:
        """Scheduled after its student came: a class of long ago may be forgotten once it is known, also between two events."""
        await self.join()
        return await self.schedule(*provider_ids, **changes)

    async def reschedule(self, starts_at: str, ends_at: str, time_zone: str = "Europe/Berlin") -> int:
        return await self.tell("class.rescheduled", starts_at=starts_at, ends_at=ends_at, time_zone=time_zone)

    async def relocate(self, location: str, **presence: Any) -> int:
        return await self.tell("class.relocated", location=location, **presence)

    async def reassign(self, *provider_ids: str) -> int:
        return await self.tell("class.reassigned", provider_ids=provider_ids)

    async def change_details(self, **changes: Any) -> int:
        return await self.tell("class.details_changed", **changes)

    async def cancel(self) -> int:
        return await self.tell("class.cancelled", reason="the provider is ill")

    async def snapshot(self, *provider_ids: str, students: int = 1, version: int | None = None, **changes: Any) -> int:
        self.students = [self._new_student() for _ in range(students)]
        whole = _DETAILS | {"cancelled": False} | changes | {"provider_ids": provider_ids, "student_ids": self.students}
        return await self.tell("class.snapshotted", version, **whole)

    async def join(self) -> int:
        self.students.append(self._new_student())
        return await self.tell("roster.student_added", student_id=self.students[-1])

    async def leave(self) -> int:
        return await self.tell("roster.student_removed", student_id=self.students.pop())

    async def tell(self, short_type: str, version: int | None = None, **data: Any) -> int:
        """Publish the next event, or one of a version of its own; the version."""
        told = version if version is not None else self.version + 1
        self.version = max(self.version, told)
        await self.publish(cloud_event(short_type, {"class_id": self.class_id, "version": told, **data}))
        return told

    async def publish(self, event: Mapping[str, Any]) -> None:
        await self.publish_raw(json.dumps(event).encode(), STRUCTURED)

    async def publish_raw(self, value: bytes, headers: Headers) -> None:
        self.published.append(value)
        await self._publish(self.class_id.encode(), value, headers)
