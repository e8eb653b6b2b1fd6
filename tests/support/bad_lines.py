"""Lines that break the input contract, one way each, made from a good envelope: (the code of the dead letter, how to spoil it)."""

import json
from collections.abc import Callable
from typing import Any

__all__ = ["BAD_LINES", "Spoilt"]

Spoilt = tuple[bytes | None, bytes | None, tuple[tuple[str, bytes], ...]]
_Envelope = dict[str, Any]

_STRUCTURED = (("content-type", b"application/cloudevents+json"),)
_BOOKING = "com.impactfeedback.booking."
_WHEN = {"starts_at": "2030-01-07T09:00:00", "ends_at": "2030-01-07T10:00:00", "time_zone": "Europe/Berlin"}


def _key(envelope: _Envelope) -> bytes:
    key: bytes = envelope["data"]["class_id"].encode()
    return key


def _line(envelope: _Envelope, key: bytes | None = None) -> Spoilt:
    value = json.dumps(envelope, ensure_ascii=False).encode()
    return (_key(envelope) if key is None else key), value, _STRUCTURED


def _without(name: str) -> Callable[[_Envelope], Spoilt]:
    def spoil(envelope: _Envelope) -> Spoilt:
        rest = {key: value for key, value in envelope.items() if key != name}
        return _key(envelope), json.dumps(rest).encode(), _STRUCTURED

    return spoil


def _with(**attributes: Any) -> Callable[[_Envelope], Spoilt]:
    return lambda envelope: _line(envelope | attributes)


def _with_data(short_type: str, **data: Any) -> Callable[[_Envelope], Spoilt]:
    """Another type, with class_id and version as they were, and this data."""

    def spoil(envelope: _Envelope) -> Spoilt:
        kept = {name: envelope["data"][name] for name in ("class_id", "version")}
        return _line(envelope | {"type": f"{_BOOKING}{short_type}.v1", "data": kept | data})

    return spoil


def _value(spoil: Callable[[bytes], bytes | None]) -> Callable[[_Envelope], Spoilt]:
    def spoilt(envelope: _Envelope) -> Spoilt:
        key, value, headers = _line(envelope)
        return key, spoil(value or b""), headers

    return spoilt


def _without_data_field(envelope: _Envelope) -> Spoilt:
    data = {name: value for name, value in envelope["data"].items() if name != "version"}
    return _line(envelope | {"data": data}, _key(envelope))


def _binary_without_source(envelope: _Envelope) -> Spoilt:
    headers = (("ce_specversion", b"1.0"), ("ce_id", envelope["id"].encode()), ("ce_type", envelope["type"].encode()))
    return _key(envelope), json.dumps(envelope["data"]).encode(), headers


BAD_LINES: tuple[tuple[str, Callable[[_Envelope], Spoilt]], ...] = (
    ("not_json", _value(lambda value: value[:-3])),
    ("not_json", _value(lambda value: b"")),
    ("not_json", _value(lambda value: b"hello {" + value)),
    ("not_utf8", _value(lambda value: value.replace(b'"specversion"', b'"x": "\xff\xfe", "specversion"'))),
    ("not_utf8", _value(lambda value: value.replace(b'"data": {', b'"data": {"x": "\xc3(", '))),
    ("null_value", _value(lambda value: None)),
    ("null_key", lambda envelope: (None, *_line(envelope)[1:])),
    ("key_mismatch", lambda envelope: _line(envelope, b"another-class")),
    ("subject_mismatch", _with(subject="another-class")),
    ("too_large", _with(padding="x" * 256 * 1024)),
    ("bad_envelope", _with(specversion="0.3")),
    ("bad_envelope", _with(time="yesterday", id=7)),
    ("bad_envelope", _without("id")),
    ("bad_envelope", _binary_without_source),
    ("no_data", _without("data")),
    ("unknown_type", _with(type=f"{_BOOKING}class.exploded.v1")),
    ("unknown_type", _with(type="class.cancelled")),
    ("bad_data", _without_data_field),
    ("bad_data", _with_data("class.cancelled", version=0)),
    ("bad_data", _with_data("class.cancelled", version="9")),
    ("bad_data", _with_data("class.cancelled", version=2**63)),
    ("bad_data", _with_data("class.cancelled", reason=5)),
    ("bad_data", _with_data("class.reassigned", provider_ids=[])),
    ("bad_data", _with_data("class.reassigned", provider_ids="all")),
    ("bad_data", _with_data("class.relocated", location=None)),
    ("bad_data", _with_data("class.relocated", location="x", presence="somewhere")),
    ("bad_data", _with_data("class.details_changed", url="javascript:alert(1)")),
    ("bad_data", _with_data("class.details_changed", title=None)),
    ("bad_data", _with_data("class.rescheduled", **_WHEN | {"ends_at": "2030-01-07T08:00:00"})),
    ("bad_data", _with_data("class.rescheduled", **_WHEN | {"starts_at": "2030-01-07T09:00:00+01:00"})),
    ("bad_data", _with_data("class.rescheduled", **_WHEN | {"starts_at": "2030-02-30T09:00:00"})),
    ("bad_data", _with_data("class.rescheduled", **_WHEN | {"time_zone": "Mars/Olympus"})),
    ("bad_data", _with_data("class.rescheduled", **_WHEN | {"time_zone": 1})),
    ("bad_data", _with_data("class.rescheduled", **_WHEN | {"starts_at": "0001-01-01T00:00:00"})),
    ("bad_data", _with_data("class.rescheduled", **_WHEN | {"ends_at": "9999-12-31T00:00:00"})),
    ("bad_data", _with_data("roster.student_added")),
    ("bad_data", _with_data("roster.student_added", student_id="")),
    ("bad_data", _with_data("roster.student_removed", student_id=["a"])),
)
