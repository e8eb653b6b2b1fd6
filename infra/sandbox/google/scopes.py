"""The scopes that Google knows here, and how its consent page words them.

Source: developers.google.com/identity/protocols/oauth2/scopes.
"""

from collections.abc import Iterable, Mapping
from typing import Final

__all__ = ["CALENDAR_WORDS", "EMAIL", "PROFILE", "canonical", "is_known", "needs_tick"]

EMAIL: Final = "https://www.googleapis.com/auth/userinfo.email"
PROFILE: Final = "https://www.googleapis.com/auth/userinfo.profile"
_CALENDAR: Final = "https://www.googleapis.com/auth/calendar"
#: Asked for by the short name, granted under the long one.
_LONG: Final = {"email": EMAIL, "profile": PROFILE}
_SIGN_IN: Final = frozenset({"openid", *_LONG.values()})

CALENDAR_WORDS: Mapping[str, str] = {
    _CALENDAR: "See, edit, share, and permanently delete all the calendars you can access using Google Calendar",
    f"{_CALENDAR}.readonly": "See and download any calendar you can access using your Google Calendar",
    f"{_CALENDAR}.events": "View and edit events on all your calendars",
    f"{_CALENDAR}.events.readonly": "View events on all your calendars",
    f"{_CALENDAR}.events.owned": "See, create, change, and delete events on Google calendars you own",
    f"{_CALENDAR}.events.owned.readonly": "See the events on Google calendars you own",
    f"{_CALENDAR}.app.created": "Make secondary Google calendars, and see, create, change, and delete events on them",
    f"{_CALENDAR}.freebusy": "View your availability in your calendars",
}


def canonical(scopes: Iterable[str]) -> tuple[str, ...]:
    """Under the names that a grant has, each once."""
    return tuple(dict.fromkeys(_LONG.get(scope, scope) for scope in scopes))


def is_known(scope: str) -> bool:
    """Of a canonical name."""
    return scope in _SIGN_IN or scope in CALENDAR_WORDS


def needs_tick(scope: str) -> bool:
    """Whether the person decides on it by itself; the sign-in's scopes come with the account."""
    return scope not in _SIGN_IN
