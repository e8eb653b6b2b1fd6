"""Whose entry a call was for: the private mark in the body that was sent, for both services."""

from collections.abc import Sequence

import msgspec

from adapters.google import mapping as google
from adapters.microsoft import mapping as microsoft

__all__ = ["Mark", "mark_of"]

#: class_id and revision.
Mark = tuple[str, int]


class _Properties(msgspec.Struct):
    private: dict[str, str]


class _Property(msgspec.Struct):
    id: str
    value: str


class _Body(msgspec.Struct, rename="camel"):
    extended_properties: _Properties | None = None
    single_value_extended_properties: Sequence[_Property] = ()


_decoder = msgspec.json.Decoder(_Body)


def mark_of(body: bytes) -> Mark:
    """Of the body of a create or an update. Raises KeyError for one without a mark."""
    decoded = _decoder.decode(body)
    if decoded.extended_properties is not None:
        private = decoded.extended_properties.private
        return private[google.CLASS], int(private[google.REVISION])
    properties = {each.id: each.value for each in decoded.single_value_extended_properties}
    return properties[microsoft.CLASS], int(properties[microsoft.REVISION])
