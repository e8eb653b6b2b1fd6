"""A client's id and secret, from the form or from HTTP Basic (RFC 6749 section 2.3.1)."""

import base64
import binascii
from collections.abc import Mapping
from urllib.parse import unquote_plus

__all__ = ["client_of"]


def client_of(authorization: str | None, fields: Mapping[str, str]) -> tuple[str, str]:
    """(client_id, client_secret); what is missing or malformed is empty."""
    if authorization is not None and authorization.startswith("Basic "):
        try:
            decoded = base64.b64decode(authorization[6:], validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return "", ""
        name, _, secret = decoded.partition(":")
        return unquote_plus(name), unquote_plus(secret)
    return fields.get("client_id", ""), fields.get("client_secret", "")
