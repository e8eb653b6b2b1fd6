"""The oracle's own reading of the input contract: which lines count. Written apart from `schemas`, of which it imports nothing."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from zoneinfo import available_timezones

__all__ = ["Event", "RawLine", "read"]

_LIMIT = 256 * 1024
_TYPE = re.compile(r"com\.impactfeedback\.booking\.(?P<short>[a-z_.]+)\.v1")
_ZONES = available_timezones()


class RawLine(Protocol):
    """A record as it stands in the topic."""

    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...


@dataclass(frozen=True, kw_only=True)
class Event:
    """A line that keeps the contract. `type` without prefix and suffix; `data` as published."""

    type: str
    data: Mapping[str, Any]


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _id(value: Any) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= 256


def _ids(value: Any) -> bool:
    return isinstance(value, list) and all(map(_id, value))


def _wall(value: Any) -> bool:
    try:
        wall = datetime.fromisoformat(value) if isinstance(value, str) and "T" in value else None
        return wall is not None and wall.tzinfo is None and 1900 <= wall.year <= 9998
    except ValueError:
        return False


def _one_of(*values: str) -> Callable[[Any], bool]:
    return lambda value: value in values


def _or_null(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or check(value)


_PRESENCE = _one_of("in_person", "online", "hybrid")
_URL = _or_null(lambda value: isinstance(value, str) and value.startswith(("http://", "https://")))
_PROVIDERS = {"provider_ids": lambda value: _ids(value) and len(value) > 0}
_STUDENT = {"student_id": _id}
_WHEN = {"starts_at": _wall, "ends_at": _wall, "time_zone": _ZONES.__contains__}
_WHOLE = {"kind": _one_of("class", "appointment"), "class_type": _text, "title": _text, "location": _text, "presence": _PRESENCE}
_WHOLE |= _WHEN | _PROVIDERS

#: type -> (fields that it has to have, fields that it may have), each with what its value has to be.
_CONTRACT: Mapping[str, tuple[Mapping[str, Callable[[Any], bool]], Mapping[str, Callable[[Any], bool]]]] = {
    "class.scheduled": (_WHOLE, {"url": _URL}),
    "class.snapshotted": (_WHOLE | {"student_ids": _ids, "cancelled": lambda value: isinstance(value, bool)}, {"url": _URL}),
    "class.rescheduled": (_WHEN, {}),
    "class.relocated": ({"location": _text}, {"presence": _or_null(_PRESENCE)}),
    "class.reassigned": (_PROVIDERS, {}),
    "class.details_changed": ({}, {"title": _text, "class_type": _text, "url": _URL}),
    "class.cancelled": ({}, {"reason": _or_null(_text)}),
    "roster.student_added": (_STUDENT, {}),
    "roster.student_removed": (_STUDENT, {}),
}


def read(line: RawLine) -> Event | None:
    """The event of a line; None when the line breaks the contract."""
    if line.key is None or line.value is None or len(line.value) > _LIMIT:
        return None
    try:
        envelope, class_id = _envelope(line.value, line.headers), line.key.decode()
    except ValueError:  # not JSON, not UTF-8
        return None
    if not isinstance(envelope, dict) or not _is_envelope(envelope, class_id):
        return None
    match = _TYPE.fullmatch(envelope["type"])
    event = Event(type=match["short"], data=envelope["data"]) if match and match["short"] in _CONTRACT else None
    return event if event is not None and _keeps_contract(event, class_id) else None


def _envelope(value: bytes, headers: Sequence[tuple[str, bytes]]) -> Any:
    attributes = {name.lower(): content.decode() for name, content in headers}
    structured = attributes.get("content-type", "").startswith("application/cloudevents+json")
    if structured or "ce_specversion" not in attributes:
        return json.loads(value)
    return {name[3:]: content for name, content in attributes.items() if name.startswith("ce_")} | {"data": json.loads(value)}


def _is_envelope(envelope: dict[str, Any], class_id: str) -> bool:
    return (
        envelope.get("specversion") == "1.0"
        and all(_text(envelope.get(name)) for name in ("id", "source", "type"))
        and envelope.get("subject") in (None, class_id)
        and isinstance(envelope.get("data"), dict)
    )


def _keeps_contract(event: Event, class_id: str) -> bool:
    must, may = _CONTRACT[event.type]
    data, version = event.data, event.data.get("version")
    if data.get("class_id") != class_id or not _id(class_id) or type(version) is not int or not 1 <= version < 2**63:
        return False
    if not all(name in data and check(data[name]) for name, check in must.items()):
        return False
    if not all(check(data[name]) for name, check in may.items() if name in data):
        return False
    return "ends_at" not in must or datetime.fromisoformat(data["starts_at"]) <= datetime.fromisoformat(data["ends_at"])
