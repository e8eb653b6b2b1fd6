"""Class events as lines for `impact-calendar publish`."""

import json
from typing import Any

from tests.e2e.booking import cloud_event

__all__ = ["booked_class", "line"]


def line(short_type: str, class_id: str, version: int, **data: Any) -> str:
    return json.dumps(cloud_event(short_type, {"class_id": class_id, "version": version, **data})) + "\n"


def booked_class(class_id: str, provider_id: str) -> str:
    """Scheduled, and a first student comes."""
    scheduled = line(
        "class.scheduled",
        class_id,
        1,
        kind="class",
        class_type="yoga",
        title="Yoga for beginners",
        starts_at="2030-05-06T09:30:00",
        ends_at="2030-05-06T10:45:00",
        time_zone="Europe/Berlin",
        location="Studio 2",
        presence="in_person",
        provider_ids=[provider_id],
    )
    return scheduled + line("roster.student_added", class_id, 2, student_id="pupil-1")
