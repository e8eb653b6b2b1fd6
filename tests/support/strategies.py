"""Hypothesis strategies for one class's domain events: few values each, so that they meet again."""

from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from schemas.events import (
    ClassCancelled,
    ClassDetailsChanged,
    ClassEvent,
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
from tests.support.class_events import CLASS_ID

__all__ = ["PROVIDERS", "SECRET", "class_events", "histories"]

SECRET = "student-SECRET-"
PROVIDERS = ("ada", "bob", "cy")

_student = st.sampled_from([f"{SECRET}{number}" for number in range(4)])
_title = st.sampled_from(["Yoga", "Yin", "Straße 🏊"])
_class_type = st.sampled_from(["yoga", "box"])
_url = st.sampled_from([None, "https://classes.example/7", "https://classes.example/8"])
_provider_ids = st.lists(st.sampled_from(PROVIDERS), min_size=1, max_size=4).map(tuple)
_presence = st.sampled_from(Presence)
_location = st.sampled_from(["", "Room 1", "Room 2"])


#: More of the roster than of the rest, as in life.
_TYPES = [
    *("student_added", "student_added", "student_added", "student_removed"),
    *("scheduled", "snapshotted", "rescheduled", "relocated", "reassigned", "details", "cancelled"),
]


@st.composite
def _when(draw: st.DrawFn) -> dict[str, Any]:
    """Now and then in the hour that Berlin's clocks skip or repeat."""
    day = draw(st.sampled_from([datetime(2027, 3, 28), datetime(2027, 10, 31), datetime(2027, 6, 1)]))
    starts_at = day + timedelta(minutes=30 * draw(st.integers(0, 7)))
    ends_at = starts_at + timedelta(minutes=30 * draw(st.integers(0, 3)))
    return {"starts_at": starts_at, "ends_at": ends_at, "time_zone": draw(st.sampled_from(["Europe/Berlin", "Asia/Kolkata"]))}


@st.composite
def _whole(draw: st.DrawFn) -> dict[str, Any]:
    return draw(_when()) | {
        "kind": draw(st.sampled_from(Kind)),
        "class_type": draw(_class_type),
        "title": draw(_title),
        "location": draw(_location),
        "presence": draw(_presence),
        "provider_ids": draw(_provider_ids),
        "url": draw(_url),
    }


def _changed_details() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional={"title": _title, "class_type": _class_type, "url": _url})


@st.composite
def class_events(draw: st.DrawFn, version: int) -> ClassEvent:
    """Any event of the one class, at `version`."""
    it: dict[str, Any] = {"class_id": CLASS_ID, "version": version}
    match draw(st.sampled_from(_TYPES)):
        case "scheduled":
            return ClassScheduled(**it, **draw(_whole()))
        case "snapshotted":
            students = tuple(draw(st.lists(_student, max_size=3)))
            return ClassSnapshotted(**it, **draw(_whole()), student_ids=students, cancelled=draw(st.booleans()))
        case "rescheduled":
            return ClassRescheduled(**it, **draw(_when()))
        case "relocated":
            return ClassRelocated(**it, location=draw(_location), presence=draw(st.none() | _presence))
        case "reassigned":
            return ClassReassigned(**it, provider_ids=draw(_provider_ids))
        case "details":
            return ClassDetailsChanged(**it, **draw(_changed_details()))
        case "cancelled":
            return ClassCancelled(**it, reason=draw(st.none() | _student))
        case "student_removed":
            return StudentRemoved(**it, student_id=draw(_student))
        case _:
            return StudentAdded(**it, student_id=draw(_student))


@st.composite
def histories(draw: st.DrawFn, max_size: int = 25) -> list[ClassEvent]:
    """One class's events as published: versions rise, with gaps; now and then a repeat or a late one."""
    version, history = 0, list[ClassEvent]()
    for step in draw(st.lists(st.sampled_from([1, 1, 1, 1, 2, 0, -1, -3]), min_size=1, max_size=max_size)):
        version = max(1, version + max(step, 0))
        history.append(draw(class_events(max(1, version + min(step, 0)))))
    return history
