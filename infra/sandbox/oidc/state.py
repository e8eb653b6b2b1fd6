"""What the sign-in provider remembers: people, codes, access tokens, and who is signed in in which browser."""

import secrets
from dataclasses import dataclass
from datetime import datetime

from infra.sandbox.codes import CodeBook
from infra.sandbox.oidc.people import People
from infra.sandbox.signing import SigningKeys

__all__ = ["Access", "OidcState", "Session"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    sub: str
    authenticated_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Access:
    """An access token's meaning. `code`: the code that it came for."""

    sub: str
    scopes: tuple[str, ...]
    expires_at: datetime
    code: str


class OidcState:
    def __init__(self) -> None:
        self.people = People()
        self.codes = CodeBook("")
        self.keys = SigningKeys()
        self._sessions: dict[str, Session] = {}
        self._access: dict[str, Access] = {}

    def sign_in(self, session: Session) -> str:
        """The browser's new session id."""
        session_id = secrets.token_urlsafe(24)
        self._sessions[session_id] = session
        return session_id

    def session(self, id: str) -> Session | None:
        """None also when the person was removed since."""
        session = self._sessions.get(id)
        return session if session is not None and self.people.get(session.sub) else None

    def sign_out(self, id: str) -> None:
        self._sessions.pop(id, None)

    def issue_access(self, access: Access) -> str:
        value = secrets.token_urlsafe(48)
        self._access[value] = access
        return value

    def access(self, value: str, now: datetime) -> Access | None:
        access = self._access.get(value)
        return access if access is not None and now < access.expires_at else None

    def revoke_code(self, code: str) -> None:
        """A code was shown twice: what it brought is taken back (RFC 6749 section 4.1.2)."""
        for value in [value for value, access in self._access.items() if access.code == code]:
            del self._access[value]

    def reset(self) -> None:
        """All but the keys, which applications keep."""
        self.people.reset()
        self.codes.clear()
        self._sessions.clear()
        self._access.clear()
