"""JSON Schema (2020-12) of every message, made from the structs: what `schemas/json` holds.

The structs are the contract; what a schema cannot say (an end before its start, a zone that does not exist) stands in a `$comment`.
"""

import inspect
from typing import Any, Final

import msgspec

from schemas.connections import ConnectionGranted, ConnectionRevoked, ConnectionStatus
from schemas.events import EVENT_TYPES, SOURCE, short_name
from schemas.intents import Intent
from schemas.outcomes import Outcome

__all__ = ["INSTANTS", "WALL_TIMES", "JsonSchema", "message_schemas"]

JsonSchema = dict[str, Any]

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_URN: Final = "urn:impact-feedback:calendar:"

#: Fields that hold a naive wall time, in the zone that stands beside them.
WALL_TIMES: Final = frozenset({"starts_at", "ends_at"})
#: Fields that hold an instant with its offset.
INSTANTS: Final = frozenset({"at", "changed_at", "connected_at", "next_try_at", "occurred_at", "revoked_at"})

_WALL_TIME: Final[JsonSchema] = {
    "type": "string",
    "pattern": r"^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?$",
    "description": "Local wall time in time_zone, without an offset.",
    "examples": ["2021-10-11T09:30:00"],
}
_INSTANT: Final[JsonSchema] = {"type": "string", "format": "date-time"}
_ZONE: Final[JsonSchema] = {"type": "string", "description": "An IANA time zone name.", "examples": ["Europe/Berlin"]}
_WHEN_COMMENT: Final = "ends_at is not before starts_at, both lie in the years 1900 to 9998, and time_zone is a name of the IANA database."

#: Messages that this product writes itself, by the name of their schema.
_OWN: Final[dict[str, type[msgspec.Struct]]] = {
    "intent": Intent,
    "outcome": Outcome,
    "connection.granted": ConnectionGranted,
    "connection.revoked": ConnectionRevoked,
    "connection-status": ConnectionStatus,
}


def message_schemas() -> dict[str, JsonSchema]:
    """Name -> schema, in the order in which data flows."""
    events = {short_name(type_): _event(type_, struct) for type_, struct in EVENT_TYPES.items()}
    return events | {name: _own(name, struct) for name, struct in _OWN.items()}


def _event(type_: str, struct: type[Any]) -> JsonSchema:
    """The whole CloudEvent in structured mode. In binary mode the attributes are `ce_` headers and the value is `data` alone."""
    body = _of(struct)
    defs = body.pop("$defs")
    return {
        "$schema": _DIALECT,
        "$id": f"{_URN}{short_name(type_)}",
        "title": type_,
        "description": _description(struct),
        "type": "object",
        "required": ["specversion", "id", "source", "type", "data"],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {"type": "string", "minLength": 1, "description": "Unique."},
            "source": {"type": "string", "minLength": 1, "examples": [SOURCE]},
            "type": {"const": type_},
            "subject": {"type": ["string", "null"], "description": "The class_id."},
            "time": {"anyOf": [_INSTANT, {"type": "null"}], "description": "When it happened."},
            "datacontenttype": {"examples": ["application/json"]},
            "data": body,
        },
        "$defs": defs,
    }


def _own(name: str, struct: type[msgspec.Struct]) -> JsonSchema:
    return {"$schema": _DIALECT, "$id": f"{_URN}{name}", **_of(struct)}


def _of(struct: type[Any]) -> JsonSchema:
    schema = msgspec.json.schema(struct)
    for name, part in schema["$defs"].items():
        part.pop("title", None)
        if "description" in part:
            part["description"] = inspect.cleandoc(part["description"])
        for field, content in part.get("properties", {}).items():
            part["properties"][field] = _refined(field, content)
        if part.get("properties", {}).keys() >= WALL_TIMES:
            schema["$defs"][name] = part | {"$comment": _WHEN_COMMENT}
    return schema


def _refined(field: str, schema: JsonSchema) -> JsonSchema:
    """msgspec writes every time as a mere string; the field's name tells which kind of time it is."""
    if field in WALL_TIMES:
        return _WALL_TIME
    if field == "time_zone":
        return _ZONE
    if field in INSTANTS:
        return {**schema, "anyOf": [_INSTANT, {"type": "null"}]} if "anyOf" in schema else _INSTANT
    return schema


def _description(struct: type[Any]) -> str:
    return inspect.cleandoc(struct.__doc__ or "")
