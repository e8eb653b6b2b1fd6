"""Builders of domain events for tests that tell a story: one class, believable values, named changes."""

from datetime import datetime
from typing import Any

from schemas.events import (
    ClassCancelled,
    ClassDetailsChanged,
    ClassReassigned,
    ClassRelocated,
    ClassRescheduled,
    ClassScheduled,
    ClassSnapshotted,
    Kind,
    Presence,
    StudentAdded,
    StudentRemoved,
)

__all__ = [
    "CLASS_ID",
    "added",
    "cancelled",
    "details_changed",
    "reassigned",
    "relocated",
    "removed",
    "rescheduled",
    "scheduled",
    "snapshotted",
]

CLASS_ID = "class-7"

_WHOLE: dict[str, Any] = {
    "kind": Kind.CLASS,
    "class_type": "yoga",
    "title": "Yoga for all",
    "starts_at": datetime(2027, 3, 8, 9, 30),
    "ends_at": datetime(2027, 3, 8, 10, 30),
    "time_zone": "Europe/Berlin",
    "location": "Room 1",
    "presence": Presence.IN_PERSON,
    "provider_ids": ("ada",),
    "url": "https://classes.example/7",
}


def scheduled(version: int = 1, **changes: Any) -> ClassScheduled:
    return ClassScheduled(class_id=CLASS_ID, version=version, **_WHOLE | changes)


def snapshotted(version: int, *student_ids: str, cancelled: bool = False, **changes: Any) -> ClassSnapshotted:
    return ClassSnapshotted(class_id=CLASS_ID, version=version, student_ids=student_ids, cancelled=cancelled, **_WHOLE | changes)


def rescheduled(version: int, *, day: int = 9, time_zone: str = "Europe/Berlin") -> ClassRescheduled:
    starts_at, ends_at = datetime(2027, 3, day, 18, 0), datetime(2027, 3, day, 19, 0)
    return ClassRescheduled(class_id=CLASS_ID, version=version, starts_at=starts_at, ends_at=ends_at, time_zone=time_zone)


def relocated(version: int, location: str = "Room 2", presence: Presence | None = None) -> ClassRelocated:
    return ClassRelocated(class_id=CLASS_ID, version=version, location=location, presence=presence)


def reassigned(version: int, *provider_ids: str) -> ClassReassigned:
    return ClassReassigned(class_id=CLASS_ID, version=version, provider_ids=provider_ids)


def details_changed(version: int, **given: Any) -> ClassDetailsChanged:
    return ClassDetailsChanged(class_id=CLASS_ID, version=version, **given)


def cancelled(version: int) -> ClassCancelled:
    return ClassCancelled(class_id=CLASS_ID, version=version)


def added(version: int, student_id: str = "student-1") -> StudentAdded:
    return StudentAdded(class_id=CLASS_ID, version=version, student_id=student_id)


def removed(version: int, student_id: str = "student-1") -> StudentRemoved:
    return StudentRemoved(class_id=CLASS_ID, version=version, student_id=student_id)
