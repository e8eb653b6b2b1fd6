"""Authorization codes: bound to what was asked for, redeemed once (RFC 6749 section 4.1.2), and proof keys (RFC 7636)."""

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

__all__ = ["Code", "CodeBook", "CodeProblem", "is_challenge", "proves"]

#: RFC 7636 section 4.1.
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")

CodeProblem = Literal["unknown", "used", "expired"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Code:
    """`subject`: who consented (an account's e-mail, or a person's `sub`). `tenant`: the one of the address that it was asked at.
    `offline`: a refresh token comes with it. `authenticated_at`: when the person signed in."""

    client_id: str
    redirect_uri: str
    subject: str
    scopes: tuple[str, ...]
    challenge: str | None
    nonce: str | None
    expires_at: datetime
    authenticated_at: datetime
    tenant: str = ""
    offline: bool = False


class CodeBook:
    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._codes: dict[str, Code] = {}
        self._used: set[str] = set()

    def issue(self, code: Code) -> str:
        value = self._prefix + secrets.token_urlsafe(40)
        self._codes[value] = code
        return value

    def look(self, value: str) -> Code | None:
        """The code whatever its state, for the journal."""
        return self._codes.get(value)

    def redeem(self, value: str, client_id: str, now: datetime) -> Code | CodeProblem:
        """Once its own client has shown it, a code is used up, also when the rest of that request turns out to be wrong."""
        code = self._codes.get(value)
        if code is None or code.client_id != client_id:
            return "unknown"
        if value in self._used:
            return "used"
        self._used.add(value)
        return "expired" if now >= code.expires_at else code

    def clear(self) -> None:
        self._codes.clear()
        self._used.clear()


def is_challenge(text: str) -> bool:
    """Whether it can be an S256 code_challenge: 32 bytes in base64url without padding."""
    return _CHALLENGE.fullmatch(text) is not None


def proves(challenge: str | None, verifier: str | None) -> bool:
    """Whether the verifier is the challenge's. A verifier without a challenge is refused too: somebody took the challenge out of the
    authorization request (RFC 9700 section 2.1.1)."""
    if challenge is None or verifier is None:
        return challenge is None and verifier is None
    if _VERIFIER.fullmatch(verifier) is None:
        return False
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    return secrets.compare_digest(digest, challenge)
