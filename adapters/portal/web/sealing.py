"""Sealed cookies: AES-256-GCM, so that a cookie can neither be read nor changed, nor one kind be passed off as another."""

import base64
import binascii
import os
from collections.abc import Sequence
from typing import TypeVar

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

__all__ = ["Sealer"]

T = TypeVar("T", bound=msgspec.Struct)

_NONCE_BYTES = 12
#: Browsers keep 4096 bytes of a cookie, its name and attributes included.
_MAX_TEXT = 3800


class Sealer:
    """`keys`: 32 bytes each; the first seals, all open, so that a key can be replaced without signing anybody out."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys:
            raise ValueError("a sealer needs a key")
        self._ciphers = tuple(AESGCM(key) for key in keys)

    def seal(self, value: msgspec.Struct, *, purpose: str) -> str:
        """URL-safe text that opens for the same purpose only. Raises ValueError when it would not fit into a cookie."""
        nonce = os.urandom(_NONCE_BYTES)
        box = nonce + self._ciphers[0].encrypt(nonce, msgspec.json.encode(value), purpose.encode())
        text = base64.urlsafe_b64encode(box).decode().rstrip("=")
        if len(text) > _MAX_TEXT:
            raise ValueError(f"{len(text)} bytes do not fit into a cookie")
        return text

    def open(self, text: str, shape: type[T], *, purpose: str) -> T | None:
        """None for anything that was not sealed here for this purpose: forged, cut short, another key's, an older shape."""
        try:
            box = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        for cipher in self._ciphers:
            try:
                return msgspec.json.decode(cipher.decrypt(box[:_NONCE_BYTES], box[_NONCE_BYTES:], purpose.encode()), type=shape)
            except (InvalidTag, ValueError, msgspec.DecodeError):
                continue
        return None
