"""Decoding what this product writes itself: wrong bytes are a contract violation that names the field, never a crash."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import decode_connection, decode_intent, decode_outcome, decode_status
from schemas.errors import ContractViolation

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


@each_decoder
@given(value=st.binary(max_size=300))
def test_arbitrary_bytes_break_the_contract_and_nothing_else(decode: Callable[[bytes | None], Any], value: bytes) -> None:
    with pytest.raises(ContractViolation):
        decode(value)
