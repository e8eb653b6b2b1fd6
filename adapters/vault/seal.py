"""Sealing refresh tokens: AES-256-GCM under a key ring, the connection as associated data.

A sealed token is text, `v1.<key id>.<base64url of nonce and ciphertext, no padding>`: it names its key, so that keys can be rotated without
downtime (the first key of the ring seals, every key opens), and it opens only for the connection for which it was sealed, so that a
sealed token copied to another provider is worthless.

    SealError
    ├── UnknownKey   sealed under a key that this ring does not hold: the operator has to add it
    └── Tampered     not a sealed token, or changed, or sealed for another connection

No error holds a token, and no error is chained to one that does.
"""

import base64
import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from schemas.connections import Service

__all__ = ["ConnectionAad", "KeyRing", "SealError", "Tampered", "UnknownKey"]

_VERSION = "v1"
_KEY_BYTES = 32
#: 96 bits, the size that GCM is specified for (NIST SP 800-38D, 5.2.1.1). Random: safe for 2^32 tokens a key (8.3 there).
_NONCE_BYTES = 12
_TAG_BYTES = 16
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SEALED = re.compile(rf"{_VERSION}\.({_KEY_ID.pattern})\.([A-Za-z0-9_-]+)")


class SealError(Exception):
    """A sealed token cannot be opened."""


class UnknownKey(SealError):
    """Sealed under a key that the ring does not hold."""

    def __init__(self, key_id: str) -> None:
        self.key_id = key_id
        super().__init__(f"sealed under the key {key_id!r}, which is not in the key ring; add it to IMPACT_VAULT_KEYS")


class Tampered(SealError):
    """Not a sealed token, or changed since, or sealed for another connection."""


@dataclass(frozen=True, kw_only=True)
class ConnectionAad:
    """The connection that a token belongs to; authenticated, not encrypted."""

    provider_id: str
    service: Service
    grant_id: str

    def encode(self, key_id: str) -> bytes:
        """Unambiguous: a JSON array of strings, so that no two connections share an encoding."""
        return json.dumps([_VERSION, key_id, self.provider_id, self.service.value, self.grant_id]).encode("ascii")


class KeyRing:
    """Keys by id, 32 bytes each. The first one seals, all of them open."""

    def __init__(self, keys: Sequence[tuple[str, bytes]]) -> None:
        """Raises ValueError for an empty ring, a malformed or repeated id, or a key that is not 32 bytes long."""
        if not keys:
            raise ValueError("a key ring needs at least one key")
        for key_id, key in keys:
            if not _KEY_ID.fullmatch(key_id):
                raise ValueError(f"key id {key_id[:64]!r}: 1 to 64 letters, digits, '-' and '_'")
            if len(key) != _KEY_BYTES:
                raise ValueError(f"key {key_id!r} has {len(key)} bytes; it has to have {_KEY_BYTES}")
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys}
        if len(self._ciphers) != len(keys):
            raise ValueError("a key id stands twice in the key ring")
        self._first = keys[0][0]

    def __repr__(self) -> str:
        return f"KeyRing(key_ids={list(self._ciphers)})"

    def seal(self, plaintext: str, aad: ConnectionAad) -> str:
        """The sealed token. Two sealings of the same token differ (random nonce)."""
        nonce = os.urandom(_NONCE_BYTES)
        data = plaintext.encode("utf-8", "surrogatepass")
        box = nonce + self._ciphers[self._first].encrypt(nonce, data, aad.encode(self._first))
        return f"{_VERSION}.{self._first}.{_to_text(box)}"

    def open(self, sealed: str, aad: ConnectionAad) -> str:
        """The token in clear. Raises UnknownKey or Tampered."""
        key_id, box = _parse(sealed)
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise UnknownKey(key_id)
        try:
            data = cipher.decrypt(box[:_NONCE_BYTES], box[_NONCE_BYTES:], aad.encode(key_id))
        except InvalidTag:
            raise Tampered(f"a token sealed under {key_id!r} was changed, or belongs to another connection") from None
        return data.decode("utf-8", "surrogatepass")


def _parse(sealed: str) -> tuple[str, bytes]:
    match = _SEALED.fullmatch(sealed)
    box = _from_text(match[2]) if match else None
    if match is None or box is None or len(box) < _NONCE_BYTES + _TAG_BYTES:
        raise Tampered(f"not a sealed token; the form is {_VERSION}.<key id>.<base64url>")
    return match[1], box


def _to_text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _from_text(text: str) -> bytes | None:
    """None when `text` is not the one canonical encoding: each sealed token has exactly one spelling."""
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return None
    return data if _to_text(data) == text else None
