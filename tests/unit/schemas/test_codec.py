"""Decoding what this product writes itself: wrong bytes are a contract violation that names the field, never a crash."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import decode_connection, decode_intent, decode_outcome, decode_status, encode
from schemas.connections import ConnectionEvent
from schemas.errors import ContractViolation
from tests.support.execution import granted, intent, revoked

DECODERS: list[Callable[[bytes | None], Any]] = [decode_intent, decode_outcome, decode_status, decode_connection]

each_decoder = pytest.mark.parametrize("decode", DECODERS, ids=lambda decode: decode.__name__)


@each_decoder
@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, "null_value"),
        (b"", "not_json"),
        (b"{", "not_json"),
        (b'{"type": "connection.granted", "provider_id": "\xff"}', "not_json"),
        (b"[]", "bad_data"),
        (b"{}", "bad_data"),
        (b'{"type": "connection.granted", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "too_deep"),
    ],
)
def test_what_is_wrong_is_told(decode: Callable[[bytes | None], Any], value: bytes | None, code: str) -> None:
    with pytest.raises(ContractViolation) as caught:
        decode(value)
    assert caught.value.code == code


def test_the_field_is_named() -> None:
    with pytest.raises(ContractViolation, match="provider_id"):
        decode_intent(b'{"id": "i"}')
    with pytest.raises(ContractViolation, match=r"\$\.type"):
        decode_connection(b'{"type": "connection.paused"}')


@pytest.mark.parametrize(
    ("was", "spoilt", "names"),
    [
        (b"Europe/Berlin", b"Mars/Olympus", "time_zone"),
        (b"2027-03-08T09:30:00", b"2027-03-08T09:30:00Z", "starts_at"),
        (b"2027-03-08T10:30:00", b"2027-03-08T10:30:00+01:00", "ends_at"),
    ],
)
def test_an_intent_of_a_zone_that_is_not_known_or_with_offsets_breaks_the_contract(was: bytes, spoilt: bytes, names: str) -> None:
    """Else the worker would stop at it, and at its next start again."""
    good = encode(intent(1))
    assert decode_intent(good) == intent(1)
    with pytest.raises(ContractViolation, match=names):
        decode_intent(good.replace(was, spoilt))


@pytest.mark.parametrize("event", [granted(), revoked()])
def test_a_connection_event_without_an_offset_breaks_the_contract(event: ConnectionEvent) -> None:
    """Its moment is compared with others, which have one."""
    good = encode(event)
    assert decode_connection(good) == event
    with pytest.raises(ContractViolation, match=r"_at"):
        decode_connection(re.sub(rb'(_at":"[^"]*)Z"', rb'\1"', good))


@each_decoder
@given(value=st.binary(max_size=300))
def test_arbitrary_bytes_break_the_contract_and_nothing_else(decode: Callable[[bytes | None], Any], value: bytes) -> None:
    with pytest.raises(ContractViolation):
        decode(value)
