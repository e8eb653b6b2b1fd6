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
    """`from_page`: the person consented on the service's own page."""

    service: str
    email: str
    client_id: str
    scopes: frozenset[str]
    scope_text: str
    from_page: bool = False
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
        self._grants: dict[tuple[str, str], list[Grant]] = {}

    def issue_grant(self, email: str, client_id: str, scopes: tuple[str, ...], *, expires_at: datetime | None = None) -> RefreshToken:
        """A new consent. It does not touch the tokens of an earlier one, but may push the oldest of them out."""
        return self.issue_refresh(self.grant(email, client_id, scopes), expires_at=expires_at)

    def grant(self, email: str, client_id: str, scopes: tuple[str, ...], *, from_page: bool = False) -> Grant:
        """A consent that no token stands for yet."""
        grant = Grant(
            service=self.service,
            email=email,
            client_id=client_id,
            scopes=frozenset(scopes),
            scope_text=" ".join(scopes),
            from_page=from_page,
        )
        self._grants.setdefault((email, client_id), []).append(grant)
        return grant

    def consented(self, email: str, client_id: str) -> frozenset[str]:
        """Every scope that the person allows that client now."""
        alive = (grant.scopes for grant in self._grants.get((email, client_id), ()) if grant.alive)
        return frozenset().union(*alive)

    def revoke(self, grant: Grant) -> None:
        """What was consented to on the service's page is one consent, however often it was given: it dies as a whole."""
        grant.alive = False
        if grant.from_page:
            for other in self._grants[(grant.email, grant.client_id)]:
                other.alive = other.alive and not other.from_page

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
        dying = [grant for (owner, _), grants in self._grants.items() if owner == email for grant in grants if grant.alive]
        for grant in dying:
            grant.alive = False
        return len(dying)

    def clear(self) -> None:
        self._refresh.clear()
        self._access.clear()
        self._order.clear()
        self._grants.clear()
