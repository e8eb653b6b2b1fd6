"""What a calendar service's consent page leads to, and the port that both services' clients share."""

from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from adapters.portal.web.flows import Flow
from schemas.connections import Service

__all__ = [
    "AskedFor",
    "CalendarNotAllowed",
    "Granted",
    "NoRefreshToken",
    "ServiceClient",
    "account_of",
    "email_of",
    "granted_answer",
    "id_token_claims",
]


@dataclass(frozen=True, kw_only=True)
class AskedFor:
    """`hint`: the account to connect again. `choose`: let the person choose an account.

    `consent`: show the consent page in any case. `silent`: show no page at all.
    """

    hint: str | None = None
    choose: bool = False
    consent: bool = False
    silent: bool = False


@dataclass(frozen=True, kw_only=True)
class Granted:
    """A whole grant: the calendar is in its scopes, and it lasts. `refresh_token` is in clear, so it is out of repr.

    `account_id`: what the service calls the account for good.
    """

    email: str
    account_id: str | None
    scopes: tuple[str, ...]
    refresh_token: str = field(repr=False)


class CalendarNotAllowed(Exception):
    """The grant came without the permission for the calendar. `token`: to give the useless grant back."""

    def __init__(self, email: str, token: str) -> None:
        self.email = email
        self.token = token
        super().__init__("the calendar permission was not granted")


class NoRefreshToken(Exception):
    """The calendar is allowed, but the service gave no refresh token: it gave one before."""

    def __init__(self, email: str) -> None:
        self.email = email
        super().__init__("no refresh token")


class ServiceClient(Protocol):
    """One calendar service's side of connecting. `callback`: the path of its redirect URI."""

    service: Service
    name: str
    callback: str

    async def authorize_url(self, flow: Flow, asked: AskedFor) -> str:
        """Where the browser is sent."""

    async def grant(self, flow: Flow, code: str) -> Granted:
        """Redeems the code. Raises Refused, Unavailable, CalendarError, CalendarNotAllowed or NoRefreshToken."""

    async def give_back(self, token: str) -> None:
        """Revoke a grant that is of no use, as far as the service lets us. Raises nothing: it is a courtesy."""


class _Answer(msgspec.Struct, frozen=True):
    """RFC 6749 section 5.1. `scope` absent means what was asked for."""

    access_token: str
    id_token: str
    refresh_token: str | None = None
    scope: str | None = None

    def __repr__(self) -> str:
        return "_Answer()"


def granted_answer(answer: dict[str, Any]) -> _Answer:
    """Raises ValueError for what no token endpoint should answer."""
    try:
        return msgspec.convert(answer, _Answer)
    except msgspec.ValidationError:
        problem = "not a token answer"
    raise ValueError(problem)


def id_token_claims(text: str, *, client_id: str, nonce: str, now: float) -> dict[str, Any]:
    """The claims of an id token that came straight from the token endpoint over TLS, which stands in for its signature
    (OpenID Connect Core 1.0 section 3.1.3.7, rule 6). Audience, expiry and nonce are checked. Raises ValueError.
    """
    from joserfc.util import urlsafe_b64decode

    parts = text.split(".")
    if len(parts) != 3:
        raise ValueError("the id token does not have three parts")
    try:
        claims: dict[str, Any] = msgspec.json.decode(urlsafe_b64decode(parts[1].encode()), type=dict[str, Any])
    except (msgspec.DecodeError, ValueError):
        claims = {}
    audience = claims.get("aud")
    if client_id not in (audience if isinstance(audience, list) else [audience]):
        raise ValueError("the id token is for another application")
    if claims.get("nonce") != nonce:
        raise ValueError("the id token belongs to another flow")
    expires = claims.get("exp")
    if not isinstance(expires, int | float) or expires < now - 60:
        raise ValueError("the id token has expired")
    return claims


def account_of(claims: dict[str, Any]) -> str | None:
    """The subject of an id token: of at most 255 characters, and never another account's (OpenID Connect Core 1.0 section 2)."""
    subject = claims.get("sub")
    return subject if isinstance(subject, str) and 1 <= len(subject) <= 255 else None


def email_of(*candidates: object) -> str | None:
    """The first that reads like an address; shown to its owner, and compared where accounts are not known."""
    for value in candidates:
        if isinstance(value, str) and 3 <= len(value) <= 254 and "@" in value[1:-1] and value.isprintable() and " " not in value:
            return value
    return None
