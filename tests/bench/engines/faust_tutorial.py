"""The fold as Faust's tutorial would have it: Records, a Table on RocksDB, one `topic.send` an event, JSON, every setting at its default.

`python -m tests.bench.engines.faust_tutorial worker --without-web -l info`. The domain's result is the same, so it is compared by hash.
"""

import os
from hashlib import blake2b
from typing import Any

import faust

PREFIX = os.environ["IMPACT_TOPIC_PREFIX"]
PARTITIONS = int(os.environ["IMPACT_TOPIC_PARTITIONS"])
APP_ID = f"{PREFIX}faust-tutorial"
_TYPE = "com.impactfeedback.booking.{}.v1"
_DETAILS = ("kind", "class_type", "title", "starts_at", "ends_at", "time_zone", "location", "presence", "provider_ids", "url")
_ENTRY = tuple(name for name in _DETAILS if name != "provider_ids")


class BookingEvent(faust.Record, serializer="json"):  # type: ignore[misc,call-arg]
    id: str
    type: str
    time: str
    data: dict[str, Any]
    specversion: str = "1.0"
    source: str = ""
    subject: str = ""
    datacontenttype: str = ""


class ClassState(faust.Record, serializer="json"):  # type: ignore[misc,call-arg]
    version: int = 0
    cancelled: bool = False
    students: list[str] = []  # noqa: RUF012 - the way Records declare defaults
    details: dict[str, Any] | None = None


class CalendarIntent(faust.Record, serializer="json"):  # type: ignore[misc,call-arg]
    id: str
    provider_id: str
    class_id: str
    revision: int
    entry: dict[str, Any] | None
    caused_by: str
    cause: str
    occurred_at: str


app = faust.App(
    APP_ID,
    broker="kafka://" + os.environ["IMPACT_KAFKA_BOOTSTRAP_SERVERS"],
    store="rocksdb://",
    datadir=os.environ["IMPACT_DATA_DIR"],
    topic_partitions=PARTITIONS,
    topic_replication_factor=1,
)
class_events = app.topic(f"{PREFIX}booking.class-events.v1", key_type=str, value_type=BookingEvent)
intents = app.topic(f"{PREFIX}calendar.intents.v1", key_type=str, value_type=CalendarIntent, key_serializer="raw")
classes = app.Table("classes", key_type=str, value_type=ClassState, default=ClassState)


@app.agent(class_events)  # type: ignore[untyped-decorator]
async def fold(events: Any) -> None:
    async for event in events:
        class_id = event.data["class_id"]
        before = classes[class_id]
        if event.data["version"] <= before.version:
            continue
        after = evolve(before, event)
        for provider_id, entry in changes(wanted(before), wanted(after)):
            await intents.send(key=provider_id, value=intent(provider_id, class_id, entry, after, event))
        classes[class_id] = after


def evolve(before: ClassState, event: BookingEvent) -> ClassState:
    data = event.data
    cancelled, students, details = before.cancelled, before.students, before.details
    if event.type == _TYPE.format("roster.student_added"):
        students = sorted({*students, data["student_id"]})
    elif event.type == _TYPE.format("roster.student_removed"):
        students = [student for student in students if student != data["student_id"]]
    elif event.type == _TYPE.format("class.cancelled"):
        cancelled = True
    elif event.type == _TYPE.format("class.scheduled"):
        cancelled, details = False, {name: data.get(name) for name in _DETAILS}
    else:
        given = {name: value for name, value in data.items() if name in _DETAILS and (name != "presence" or value)}
        details = {**(details or {}), **given}
    return ClassState(version=data["version"], cancelled=cancelled, students=students, details=details)


def wanted(state: ClassState) -> dict[str, dict[str, Any]]:
    if state.details is None or state.cancelled or not state.students:
        return {}
    entry = {name: state.details[name] for name in _ENTRY}
    return dict.fromkeys(state.details["provider_ids"], entry)


def changes(before: dict[str, dict[str, Any]], after: dict[str, dict[str, Any]]) -> list[tuple[str, dict[str, Any] | None]]:
    return [(provider, after.get(provider)) for provider in {**before, **after} if before.get(provider) != after.get(provider)]


def intent(provider_id: str, class_id: str, entry: dict[str, Any] | None, state: ClassState, event: BookingEvent) -> CalendarIntent:
    name = f"{len(provider_id)}:{provider_id}{len(class_id)}:{class_id}{state.version}"
    return CalendarIntent(
        id=blake2b(name.encode(), digest_size=16).hexdigest(),
        provider_id=provider_id,
        class_id=class_id,
        revision=state.version,
        entry=entry,
        caused_by=event.id,
        cause=event.type,
        occurred_at=event.time,
    )


if __name__ == "__main__":
    app.main()
