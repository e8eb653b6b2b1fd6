"""Google's own description of its API, as shipped with google-api-python-client, compiled once into quick checks.

A discovery schema is a small dialect of JSON Schema; compiled to closures a check of an event costs some 10 µs. Names that the
document does not know are refused too. Google itself ignores some of them; here a misspelt field shall not pass.
"""

import json
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

__all__ = ["Check", "checker", "method_scopes", "method_parameters"]

#: A check returns what is wrong ("summary: has to be a string"), or None.
Check = Callable[[Any], str | None]

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
#: RFC 3339; the offset may be missing where a time zone is given beside it (EventDateTime).
_DATE_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})?")
_FORMATS = {"date": _DATE, "date-time": _DATE_TIME, "int64": re.compile(r"-?\d+")}


@lru_cache(maxsize=1)
def _document() -> Mapping[str, Any]:
    path = files("googleapiclient") / "discovery_cache" / "documents" / "calendar.v3.json"
    document: Mapping[str, Any] = json.loads(path.read_text("utf-8"))
    return document


@lru_cache(maxsize=64)
def checker(name: str) -> Check:
    """The check for a schema of the document, such as `Event`."""
    return _compile(_document()["schemas"][name])


@lru_cache(maxsize=16)
def method_scopes(method: str) -> frozenset[str]:
    """The scopes that allow `events.<method>` on a person's own primary calendar, any one of them.

    The document lists those of all calendars; three of them do not reach a primary calendar's private events.
    """
    scopes = _document()["resources"]["events"]["methods"][method]["scopes"]
    elsewhere = ("app.created", "freebusy", "public.readonly")
    return frozenset(scope for scope in scopes if not scope.endswith(elsewhere))


@lru_cache(maxsize=16)
def method_parameters(method: str) -> Mapping[str, Mapping[str, Any]]:
    """Parameter name -> its description (`type`, `enum`, `minimum`, `repeated`), the standard parameters of all methods included."""
    document = _document()
    parameters: dict[str, Mapping[str, Any]] = dict(document["parameters"])
    parameters.update(document["resources"]["events"]["methods"][method]["parameters"])
    return parameters


def _compile(schema: Mapping[str, Any]) -> Check:
    if "$ref" in schema:
        return checker(schema["$ref"])
    kind = schema.get("type", "any")
    if kind == "string":
        return _string(_FORMATS.get(schema.get("format", "")))
    if kind == "object":
        return _object(schema)
    if kind == "array":
        return _array(_compile(schema["items"]))
    if kind == "boolean":
        return lambda value: None if isinstance(value, bool) else ": has to be a boolean"
    if kind == "integer":
        return _integer
    return lambda value: None


def _string(pattern: re.Pattern[str] | None) -> Check:
    def check(value: Any) -> str | None:
        if not isinstance(value, str):
            return ": has to be a string"
        if pattern is not None and not pattern.fullmatch(value):
            return f": has a wrong format ({value[:40]!r})"
        return None

    return check


def _integer(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return ": has to be an integer"
    return None if -(2**31) <= value < 2**31 else ": is out of range"


def _array(item: Check) -> Check:
    def check(value: Any) -> str | None:
        if not isinstance(value, list):
            return ": has to be an array"
        for index, element in enumerate(value):
            problem = item(element)
            if problem is not None:
                return f"[{index}]{problem}"
        return None

    return check


def _object(schema: Mapping[str, Any]) -> Check:
    known = {name: _compile(part) for name, part in schema.get("properties", {}).items()}
    rest = _compile(schema["additionalProperties"]) if "additionalProperties" in schema else None

    def check(value: Any) -> str | None:
        if not isinstance(value, dict):
            return ": has to be an object"
        for name, element in value.items():
            part = known.get(name, rest)
            if part is None:
                return f".{name}: no such field"
            problem = part(element)
            if problem is not None:
                return f".{name}{problem}"
        return None

    return check
