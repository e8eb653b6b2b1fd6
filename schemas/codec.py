"""One codec for what this product writes itself: JSON by msgspec, decoders made once."""

from typing import Any, TypeVar

import msgspec

from schemas.connections import ConnectionEvent, ConnectionStatus
from schemas.errors import ContractViolation
from schemas.events import known_zones
from schemas.intents import Intent
from schemas.outcomes import Outcome

__all__ = ["check_key", "decode_connection", "decode_intent", "decode_outcome", "decode_status", "encode"]

T = TypeVar("T")

encode = msgspec.json.Encoder().encode

_intent = msgspec.json.Decoder(Intent)
_outcome = msgspec.json.Decoder(Outcome)
_status = msgspec.json.Decoder(ConnectionStatus)
_connection: msgspec.json.Decoder[ConnectionEvent] = msgspec.json.Decoder(ConnectionEvent)


def decode_intent(value: bytes | None) -> Intent:
    """Raises ContractViolation, for a zone too that this process does not know: whoever published it has a newer database."""
    intent: Intent = _decode(_intent, value)
    if intent.entry is not None and intent.entry.time_zone not in known_zones():
        raise ContractViolation("bad_data", f"time_zone is not an IANA zone name: {intent.entry.time_zone[:64]!r} - at `$.entry.time_zone`")
    return intent


def decode_outcome(value: bytes | None) -> Outcome:
    """Raises ContractViolation."""
    outcome: Outcome = _decode(_outcome, value)
    return outcome


def decode_status(value: bytes | None) -> ConnectionStatus:
    """Raises ContractViolation."""
    status: ConnectionStatus = _decode(_status, value)
    return status


def decode_connection(value: bytes | None) -> ConnectionEvent:
    """Raises ContractViolation."""
    event: ConnectionEvent = _decode(_connection, value)
    return event


def check_key(key: bytes | None, provider_id: str) -> None:
    """Raises ContractViolation for a record that is keyed by anything but its provider: its partition may be another's."""
    if key != provider_id.encode():
        raise ContractViolation("key_mismatch", "the record's key is not provider_id")


def _decode(decoder: msgspec.json.Decoder[Any], value: bytes | None) -> Any:
    if value is None:
        raise ContractViolation("null_value", "the value is null")
    try:
        return decoder.decode(value)
    except msgspec.ValidationError as error:
        raise ContractViolation("bad_data", str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ContractViolation("not_json", f"the value is not JSON: {error}") from None
    except RecursionError:
        raise ContractViolation("too_deep", "the value is nested too deep") from None
