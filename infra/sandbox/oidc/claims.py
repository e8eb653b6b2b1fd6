"""What is said about a person, by scope (OpenID Connect Core section 5.4)."""

from collections.abc import Iterable
from typing import Any

from infra.sandbox.oidc.people import Person

__all__ = ["claims_of"]


def claims_of(person: Person, scopes: Iterable[str]) -> dict[str, Any]:
    """Without the groups' claim when there are none, as Cognito has it."""
    claims: dict[str, Any] = {"sub": person.sub, "cognito:username": person.sub}
    if person.groups:
        claims["cognito:groups"] = list(person.groups)
    if "email" in scopes:
        claims |= {"email": person.email, "email_verified": True}
    if "profile" in scopes:
        claims["name"] = person.name
    return claims
