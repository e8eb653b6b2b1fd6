"""OData query options of the events: $select, $expand, $filter, $top, $skip, $orderby.

Refused is what Graph refuses, and also what this sandbox does not simulate: a filter it cannot read is never ignored.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from multidict import MultiMapping

from infra.sandbox.mailboxes import StoredEvent
from infra.sandbox.microsoft.errors import refuse
from infra.sandbox.microsoft.model import event_properties
from infra.sandbox.microsoft.properties import canonical_id

__all__ = ["Query", "read_query"]

_TEXT = r"'((?:[^']|'')*)'"
#: singleValueExtendedProperties/Any(ep: ep/id eq '...' and ep/value eq '...'), the documented form.
_ANY = re.compile(rf"singleValueExtendedProperties/any\(\s*(\w+)\s*:\s*\1/id eq {_TEXT} and \1/value eq {_TEXT}\s*\)", re.IGNORECASE)
_TIME = re.compile(rf"(start|end)/dateTime (ge|gt|le|lt) {_TEXT}", re.IGNORECASE)
_SUBJECT = re.compile(rf"subject eq {_TEXT}", re.IGNORECASE)
_EXPAND = re.compile(r"singleValueExtendedProperties\(\s*\$filter=(.+)\)", re.IGNORECASE)
_EXPANDED_ID = re.compile(rf"id eq {_TEXT}", re.IGNORECASE)
_AND, _OR = re.compile(r"\s+and\s+", re.IGNORECASE), re.compile(r"\s+or\s+", re.IGNORECASE)
_ORDER = re.compile(r"(start/dateTime|end/dateTime|subject|createdDateTime|lastModifiedDateTime)(?: (asc|desc))?")
_KNOWN = frozenset({"$select", "$expand", "$filter", "$top", "$skip", "$orderby", "$count"})
_MOST = 1000

Condition = Callable[[StoredEvent], bool]


@dataclass(frozen=True, kw_only=True, slots=True)
class Query:
    """`select` None = all properties. `expand`: ids of the extended properties to answer, canonical."""

    select: frozenset[str] | None
    expand: frozenset[str]
    conditions: tuple[Condition, ...]
    top: int
    skip: int
    order: str | None

    def shape(self, event: StoredEvent, rendered: Mapping[str, Any]) -> dict[str, Any]:
        """Of a rendered event what was asked for."""
        kept = {
            name: value for name, value in rendered.items() if self.select is None or name == "id" or "@" in name or name in self.select
        }
        found = [one for one in event.raw["singleValueExtendedProperties"] if one["id"] in self.expand]
        if found:
            kept["singleValueExtendedProperties"] = found
        return kept


def read_query(query: MultiMapping[str]) -> Query:
    """Raises Refusal."""
    for name in query:
        if name.startswith("$") and name not in _KNOWN:
            raise refuse(400, "BadRequest", f"The query option '{name[:40]}' is not supported here.")
    return Query(
        select=_select(query.get("$select")),
        expand=_expand(query.get("$expand")),
        conditions=_filter(query.get("$filter")),
        top=_number(query.get("$top"), 10, 1, _MOST, "$top"),
        skip=_number(query.get("$skip"), 0, 0, 10**9, "$skip"),
        order=_order(query.get("$orderby")),
    )


def _select(text: str | None) -> frozenset[str] | None:
    if text is None:
        return None
    names = frozenset(name.strip() for name in text.split(","))
    for name in names:
        if name not in event_properties():
            message = f"Parsing OData Select and Expand failed: Could not find a property named '{name[:40]}' on type "
            raise refuse(400, "RequestBroker--ParseUri", message + "'microsoft.graph.event'.")
    return names


def _expand(text: str | None) -> frozenset[str]:
    if text is None:
        return frozenset()
    match = _EXPAND.fullmatch(text.strip())
    if match is None:
        raise refuse(400, "ErrorInvalidUrlQuery", "Expand singleValueExtendedProperties with a $filter on their id.")
    found = set()
    for part in _OR.split(match[1].strip()):
        one = _EXPANDED_ID.fullmatch(part)
        if one is None:
            raise refuse(400, "ErrorInvalidUrlQuery", "The $filter of $expand takes `id eq '...'`, joined by `or`.")
        found.add(canonical_id(_unquote(one[1])))
    return frozenset(found)


def _filter(text: str | None) -> tuple[Condition, ...]:
    """Terms joined by `and`."""
    if text is None:
        return ()
    conditions, rest = [], text.strip()
    while True:
        condition, length = _term(rest)
        conditions.append(condition)
        rest = rest[length:]
        if not rest:
            return tuple(conditions)
        joint = _AND.match(rest)
        if joint is None:
            raise refuse(400, "BadRequest", "Invalid filter clause")
        rest = rest[joint.end() :]


def _term(text: str) -> tuple[Condition, int]:
    if match := _ANY.match(text):
        return _has_property(canonical_id(_unquote(match[2])), _unquote(match[3])), match.end()
    if match := _TIME.match(text):
        return _at_time(match[1].lower(), match[2].lower(), _unquote(match[3])), match.end()
    if match := _SUBJECT.match(text):
        subject = _unquote(match[1])
        return lambda event: event.raw["subject"] == subject, match.end()
    raise refuse(400, "BadRequest", "Invalid filter clause")


def _has_property(id: str, value: str) -> Condition:
    wanted = {"id": id, "value": value}
    return lambda event: wanted in event.raw["singleValueExtendedProperties"]


def _at_time(which: str, operator: str, text: str) -> Condition:
    """Graph compares with the time in UTC, as text."""

    def holds(event: StoredEvent) -> bool:
        shown = (event.start if which == "start" else event.end).strftime("%Y-%m-%dT%H:%M:%S")
        bound = text.removesuffix("Z")[:19].ljust(19, "0")
        return {"ge": shown >= bound, "gt": shown > bound, "le": shown <= bound, "lt": shown < bound}[operator]

    return holds


def _order(text: str | None) -> str | None:
    if text is not None and _ORDER.fullmatch(text) is None:
        raise refuse(400, "BadRequest", "Invalid $orderby.")
    return text


def _number(text: str | None, default: int, low: int, high: int, name: str) -> int:
    if text is None:
        return default
    if not text.isdecimal() or not low <= int(text) <= high:
        raise refuse(400, "ErrorInvalidUrlQuery", f"Invalid value for {name}.")
    return int(text)


def _unquote(text: str) -> str:
    return text.replace("''", "'")
