"""Users' grants, refresh tokens and access tokens, for both services.

A grant is what one user allowed one client. Refresh tokens belong to a grant; access tokens die with it. How a service ages, rotates or
caps them is its own rule and is passed in.
"""

import secrets
from dataclasses import dataclass, field
from datetime import datetime

__all__ = ["AccessToken", "Grant", "GrantBook", "RefreshToken"]


@dataclass(kw_only=True, slots=True, eq=False)
class Grant:
    service: str
    email: str
    client_id: str
    scopes: frozenset[str]
    scope_text: str
    alive: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class RefreshToken:
    """`expires_at` None = no end of its own."""

    value: str = field(repr=False)
    grant: Grant
    expires_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class AccessToken:
    value: str = field(repr=False)
    grant: Grant
    expires_at: datetime

    def valid(self, now: datetime) -> bool:
        return self.grant.alive and now < self.expires_at


class GrantBook:
    """All tokens of one service. `prefixes`: how its refresh and access tokens begin; `cap`: refresh tokens per account and client."""

    def __init__(self, service: str, *, refresh_prefix: str, access_prefix: str, cap: int | None = None) -> None:
        self.service = service
        self._refresh_prefix, self._access_prefix, self._cap = refresh_prefix, access_prefix, cap
        self._refresh: dict[str, RefreshToken] = {}
        self._access: dict[str, AccessToken] = {}
        self._order: dict[tuple[str, str], list[str]] = {}

    def issue_grant(self, email: str, client_id: str, scopes: tuple[str, ...], *, expires_at: datetime | None = None) -> RefreshToken:
        """A new consent. It does not touch the tokens of an earlier one, but may push the oldest of them out."""
        grant = Grant(
            service=self.service,
            email=email,
            client_id=client_id,
            scopes=frozenset(scopes),
            scope_text=" ".join(scopes),
        )
        return self.issue_refresh(grant, expires_at=expires_at)

    def issue_refresh(self, grant: Grant, *, expires_at: datetime | None) -> RefreshToken:
        token = RefreshToken(value=self._refresh_prefix + secrets.token_urlsafe(48), grant=grant, expires_at=expires_at)
        self._refresh[token.value] = token
        order = self._order.setdefault((grant.email, grant.client_id), [])
        order.append(token.value)
        while self._cap is not None and len(order) > self._cap:
            self._refresh.pop(order.pop(0), None)
        return token

    def issue_access(self, grant: Grant, *, expires_at: datetime) -> AccessToken:
        token = AccessToken(value=self._access_prefix + secrets.token_urlsafe(48), grant=grant, expires_at=expires_at)
        self._access[token.value] = token
        return token

    def refresh_token(self, value: str) -> RefreshToken | None:
        """The token whatever its state; None when it was never issued, or was pushed out."""
        return self._refresh.get(value)

    def access_token(self, value: str) -> AccessToken | None:
        return self._access.get(value)

    def revoke_user(self, email: str) -> int:
        """All grants of a user die. Returns how many were alive."""
        grants = {id(token.grant): token.grant for token in self._refresh.values()}
        grants |= {id(token.grant): token.grant for token in self._access.values()}
        dying = [grant for grant in grants.values() if grant.alive and grant.email == email]
        for grant in dying:
            grant.alive = False
        return len(dying)

    def clear(self) -> None:
        self._refresh.clear()
        self._access.clear()
        self._order.clear()
