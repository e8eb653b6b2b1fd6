"""CloudEvents 1.0 on Kafka, structured and binary content mode, for the domain events.

Source: CloudEvents spec 1.0.2, "Kafka Protocol Binding" 1.0.2 section 3. Structured mode is recognised by the content type
`application/cloudevents+json` or, when no content type is given, by the absence of `ce_` headers; binary mode by `ce_specversion`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import msgspec

from schemas.errors import ContractViolation
from schemas.events import EVENT_TYPES, SOURCE, ClassEvent, type_of

__all__ = ["CONTENT_TYPE", "MAX_PAYLOAD_BYTES", "STRUCTURED", "Headers", "ReceivedEvent", "decode_event", "encode_event"]

#: A payload over this many bytes breaks the contract.
MAX_PAYLOAD_BYTES = 256 * 1024

CONTENT_TYPE = "content-type"
STRUCTURED = b"application/cloudevents+json"

#: As Kafka has them: a name may stand more than once (the last one counts), a value may be null.
Headers = Sequence[tuple[str, bytes | None]]


_NonEmpty = Annotated[str, msgspec.Meta(min_length=1)]


class _Envelope(msgspec.Struct, frozen=True):
    specversion: str
    id: _NonEmpty
    source: _NonEmpty
    type: _NonEmpty
    data: msgspec.Raw = msgspec.Raw()
    #: Instead of `data`, the same bytes in base64 (CloudEvents JSON format 1.0.2 section 3.1).
    data_base64: bytes = b""
    subject: str | None = None
    #: RFC 3339 asks for an offset; without one it is taken as UTC where it is used.
    time: datetime | None = None


#: Those of an envelope that stand in `ce_` headers in binary mode; extensions may have any other name.
_ATTRIBUTES = ("specversion", "id", "source", "type", "subject", "time")


class ReceivedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A domain event with what the envelope says of it. `time` is when it happened, where given."""

    id: str
    type: str
    time: datetime | None
    event: ClassEvent


_envelope = msgspec.json.Decoder(_Envelope)
_data = {name: msgspec.json.Decoder(cls) for name, cls in EVENT_TYPES.items()}
_encode = msgspec.json.Encoder().encode


def decode_event(key: bytes | None, value: bytes | None, headers: Headers = ()) -> ReceivedEvent:
    """The domain event in a Kafka record.

    Raises ContractViolation with a reason that names the field. The key has to be the class_id.
    """
    if value is None:
        raise ContractViolation("null_value", "the value is null; a domain event is never a tombstone")
    if key is None:
        raise ContractViolation("null_key", "the key is null; it has to be the class_id")
    if len(value) > MAX_PAYLOAD_BYTES:
        raise ContractViolation("too_large", f"the payload has {len(value)} bytes; the limit is {MAX_PAYLOAD_BYTES}")
    if not _is_utf8(value):
        raise ContractViolation("not_utf8", "the value is not valid UTF-8")
    envelope = _binary_mode(headers, value) if _is_binary(headers) else _structured_mode(value)
    event = _decode_data(envelope)
    if event.class_id.encode() != key:
        raise ContractViolation("key_mismatch", "the record's key is not data.class_id")
    if envelope.subject is not None and envelope.subject != event.class_id:
        raise ContractViolation("subject_mismatch", "subject is not data.class_id")
    return ReceivedEvent(id=envelope.id, type=envelope.type, time=envelope.time, event=event)


def encode_event(event: ClassEvent, *, id: str, time: datetime) -> bytes:
    """The structured-mode payload of a domain event; the record's key is its class_id."""
    return _encode(
        {
            "specversion": "1.0",
            "id": id,
            "source": SOURCE,
            "type": type_of(event),
            "subject": event.class_id,
            "time": time,
            "datacontenttype": "application/json",
            "data": event,
        }
    )


def _is_utf8(value: bytes) -> bool:
    """The decoders below look only at the fields that they know; the dead letters are for the whole value."""
    if value.isascii():
        return True
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_binary(headers: Headers) -> bool:
    if not headers:
        return False
    names = {name.lower(): value or b"" for name, value in headers}
    if names.get(CONTENT_TYPE, b"").lower().startswith(STRUCTURED):
        return False
    return "ce_specversion" in names


def _structured_mode(value: bytes) -> _Envelope:
    try:
        return _envelope.decode(value)
    except msgspec.ValidationError as error:
        raise ContractViolation("bad_envelope", f"CloudEvents envelope: {error}") from None
    except msgspec.DecodeError as error:
        raise ContractViolation("not_json", f"the value is not JSON: {error}") from None
    except RecursionError:
        raise ContractViolation("too_deep", "the value is nested too deep") from None


def _binary_mode(headers: Headers, value: bytes) -> _Envelope:
    attributes: dict[str, object] = {}
    for name, raw in headers:
        lower = name.lower()
        if lower.startswith("ce_") and raw is not None:
            try:
                attributes[lower[3:]] = raw.decode()
            except UnicodeDecodeError:
                raise ContractViolation("not_utf8", f"header {lower} is not valid UTF-8") from None
    try:
        envelope = msgspec.convert({name: attributes[name] for name in _ATTRIBUTES if name in attributes}, _Envelope)
    except msgspec.ValidationError as error:
        raise ContractViolation("bad_envelope", f"CloudEvents headers: {error}") from None
    return msgspec.structs.replace(envelope, data=msgspec.Raw(value))


def _decode_data(envelope: _Envelope) -> ClassEvent:
    if envelope.specversion != "1.0":
        raise ContractViolation("bad_envelope", f"specversion is {envelope.specversion[:16]!r}; it has to be '1.0'")
    decoder = _data.get(envelope.type)
    if decoder is None:
        raise ContractViolation("unknown_type", f"type is not known: {envelope.type[:128]!r}")
    data = envelope.data or envelope.data_base64
    if not data:
        raise ContractViolation("no_data", "data is missing")
    try:
        return decoder.decode(data)
    except msgspec.ValidationError as error:
        raise ContractViolation("bad_data", f"data of {envelope.type}: {_with_data_path(str(error))}") from None
    except msgspec.DecodeError as error:
        raise ContractViolation("not_json", f"data is not JSON: {error}") from None
    except RecursionError:
        raise ContractViolation("too_deep", "data is nested too deep") from None


def _with_data_path(message: str) -> str:
    """msgspec counts paths from the struct; readers count them from the message."""
    return message.replace("`$.", "`$.data.")
