"""Delegated permissions, and how Microsoft words them for a user and for an administrator.

Source: learn.microsoft.com/graph/permissions-reference, and .../entra/identity-platform/scopes-oidc for the OpenID Connect scopes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

__all__ = ["APPLICATION_PERMISSIONS", "OIDC_SCOPES", "PERMISSIONS", "RESOURCE", "Permission", "canonical", "short"]

RESOURCE = "https://graph.microsoft.com/"
#: Not permissions of Graph: asked for beside them, and always allowed.
OIDC_SCOPES = frozenset({"openid", "profile", "email", "offline_access"})
#: What the application is registered for, and an administrator consents to.
APPLICATION_PERMISSIONS = ("Calendars.ReadWrite", "User.Read")


@dataclass(frozen=True, kw_only=True)
class Permission:
    """`title`, `text`: on a user's consent page. `admin_title`: on an administrator's."""

    title: str
    text: str
    admin_title: str


PERMISSIONS: Mapping[str, Permission] = {
    "Calendars.ReadWrite": Permission(
        title="Have full access to your calendars",
        text="The app will be able to read, update, create and delete events in your calendars.",
        admin_title="Have full access to user calendars",
    ),
    "Calendars.Read": Permission(
        title="Read your calendars",
        text="The app will be able to read events in your calendars.",
        admin_title="Read user calendars",
    ),
    "User.Read": Permission(
        title="Sign you in and read your profile",
        text="The app will be able to let you sign in with your organization's account and read your profile.",
        admin_title="Sign in and read user profile",
    ),
    "offline_access": Permission(
        title="Maintain access to data you have given it access to",
        text="The app will be able to see and update the data you gave it access to, even when you are not using it.",
        admin_title="Maintain access to data you have given it access to",
    ),
    "email": Permission(
        title="View your email address",
        text="The app will be able to read your primary email address.",
        admin_title="View users' email address",
    ),
    "profile": Permission(
        title="View your basic profile",
        text="The app will be able to see your name, user name and picture.",
        admin_title="View users' basic profile",
    ),
    "openid": Permission(title="Sign you in", text="The app will be able to sign you in.", admin_title="Sign users in"),
}
_BY_LOWER = {name.lower(): name for name in PERMISSIONS}


def short(scope: str) -> str:
    """Without Graph's resource, in small letters: how scopes are compared."""
    return scope.removeprefix(RESOURCE).lower()


def canonical(scopes: Iterable[str]) -> tuple[str, ...]:
    """Under their own names, each once. Raises ValueError with a scope that is not known."""
    found = []
    for scope in scopes:
        name = _BY_LOWER.get(short(scope))
        if name is None:
            raise ValueError(scope)
        found.append(name)
    return tuple(dict.fromkeys(found))
