"""singleValueExtendedProperties: their ids, and the private mark read out of them."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from infra.sandbox.microsoft.errors import refuse

__all__ = ["canonical_id", "merge_properties", "names"]

#: learn.microsoft.com/graph/api/resources/extended-properties-overview: `{type} {guid} Name {name}` or `{type} {guid} Id {id}`
#: for a named property, `{type} {proptag}` for the others.
_GUID = r"\{?[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\}?"
_ID = re.compile(rf"(?P<type>[A-Za-z]+) (?:(?P<guid>{_GUID}) (?P<kind>Name|Id) (?P<name>.+)|(?P<tag>0x[0-9a-fA-F]+))")


def canonical_id(id: Any) -> str:
    """The one spelling of a property's id: the GUID in lower case and braces. Raises Refusal."""
    match = _ID.fullmatch(id) if isinstance(id, str) else None
    if match is None:
        message = "The extended property id is not valid."
        raise refuse(400, "ErrorInvalidExtendedProperty", message)
    if match["tag"]:
        return f"{match['type']} {match['tag'].lower()}"
    guid = "{" + match["guid"].strip("{}").lower() + "}"
    return f"{match['type']} {guid} {match['kind']} {match['name']}"


def merge_properties(kept: Sequence[Mapping[str, str]], given: Sequence[Mapping[str, Any]] | None) -> list[dict[str, str]]:
    """A property given again is overwritten; others stay. Raises Refusal."""
    merged = {one["id"]: one["value"] for one in kept}
    for one in given or ():
        value = one.get("value")
        if not isinstance(value, str):
            raise refuse(400, "ErrorInvalidExtendedProperty", "The extended property has no value.")
        merged[canonical_id(one.get("id"))] = value
    return [{"id": name, "value": value} for name, value in merged.items()]


def names(properties: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Name -> value, for named properties."""
    found = {}
    for one in properties:
        match = _ID.fullmatch(one["id"])
        if match is not None and match["name"]:
            found[match["name"]] = one["value"]
    return found
