"""Graph's event type and the types inside it, read once from the installed msgraph-sdk, compiled into quick checks.

The SDK's models are generated from Graph's metadata, so their fields are the properties that the service knows.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from enum import Enum
from functools import lru_cache
from importlib import import_module
from typing import Any

__all__ = ["Check", "Wrong", "check_event", "event_properties"]

_MODELS = "msgraph.generated.models."
_INTERNAL = frozenset({"backing_store", "additional_data", "odata_type"})
_OPTIONAL = re.compile(r"Optional\[(.+)\]")
_LIST = re.compile(r"list\[(.+)\]")
_PRIMITIVES: Mapping[str, tuple[type, ...]] = {"str": (str,), "bool": (bool,), "int": (int,), "float": (int, float)}
_INT32 = 2**31


class Wrong(Exception):
    """What is wrong with a body, in the words of Graph's own OData reader."""


Check = Callable[[Any], None]


def check_event(body: Mapping[str, Any]) -> None:
    """Raises Wrong. Null is allowed for every property; names with an `@` are annotations."""
    _model("Event")(body)


@lru_cache(maxsize=1)
def event_properties() -> frozenset[str]:
    return frozenset(_properties("Event"))


@lru_cache(maxsize=128)
def _properties(name: str) -> Mapping[str, str]:
    """JSON name -> the model's type, such as `list[Attendee]`."""
    found = {}
    for field in fields(_class(name)):
        optional = _OPTIONAL.fullmatch(str(field.type))
        if field.name not in _INTERNAL and optional is not None:
            found[_json_name(field.name)] = optional[1]
    return found


def _class(name: str) -> type[Any]:
    module = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    found: type[Any] = getattr(import_module(_MODELS + module), name)
    return found


def _json_name(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


@lru_cache(maxsize=128)
def _check(kind: str) -> Check:
    if (inside := _LIST.fullmatch(kind)) is not None:
        return _list_of(inside[1])
    if kind in _PRIMITIVES:
        return _primitive(kind)
    if kind[0].isupper() and kind != "UUID":
        found = _class(kind)
        return _enum(found) if issubclass(found, Enum) else _model(kind)
    return _primitive("str")


def _primitive(kind: str) -> Check:
    types = _PRIMITIVES[kind]

    def check(value: Any) -> None:
        if not isinstance(value, types) or (isinstance(value, bool) and kind != "bool"):
            raise Wrong(f"Cannot convert a value to the expected type 'Edm.{kind.capitalize()}'.")
        if isinstance(value, int) and not -_INT32 <= value < _INT32:
            raise Wrong("Cannot convert a value to the expected type 'Edm.Int32'.")

    return check


def _enum(kind: type[Enum]) -> Check:
    values = {str(member.value).lower() for member in kind}

    def check(value: Any) -> None:
        if not isinstance(value, str) or value.lower() not in values:
            raise Wrong(f"Requested value '{str(value)[:40]}' was not found.")

    return check


def _list_of(kind: str) -> Check:
    def check(value: Any) -> None:
        if not isinstance(value, list):
            raise Wrong("A collection was expected.")
        for element in value:
            _check(kind)(element)

    return check


@lru_cache(maxsize=128)
def _model(name: str) -> Check:
    properties = _properties(name)
    shown = f"microsoft.graph.{name[0].lower()}{name[1:]}"

    def check(value: Any) -> None:
        if not isinstance(value, dict):
            raise Wrong(f"An object of type '{shown}' was expected.")
        for key, element in value.items():
            if "@" in key:
                if key == "@odata.type" and not isinstance(element, str):
                    raise Wrong("The request is malformed or incorrect: expected a string for ODataType value.")
            elif key not in properties:
                raise Wrong(
                    f"The property '{key[:64]}' does not exist on type '{shown}'. Make sure to only use property names that are "
                    "defined by the type or mark the type as open type."
                )
            elif element is not None:
                _check(properties[key])(element)

    return check
