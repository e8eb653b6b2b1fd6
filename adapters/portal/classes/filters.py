"""What a classes page shows, as frozen data and as the query string of its address, so that a view can be shared.

`?view=week&on=2021-10-11&provider=p-1&provider=p-2&type=Yoga&presence=online&booked=booked`. Left out: the month, today, everything.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import Enum
from typing import Final, TypeVar
from urllib.parse import urlencode

from adapters.read_model.views import BookedStatus
from schemas.events import FIRST_YEAR, LAST_YEAR, Presence

__all__ = ["FIRST_DAY", "LAST_DAY", "ClassFilters", "Parsed", "View", "parse"]

#: The days of the input contract. One year less than Python's, so that a week or month around any of them exists.
FIRST_DAY: Final = date(FIRST_YEAR, 1, 1)
LAST_DAY: Final = date(LAST_YEAR, 12, 31)
#: Values of one filter, and characters of one value (an identifier of the contract has at most 256).
_MOST_VALUES: Final = 100
_LONGEST: Final = 256

E = TypeVar("E", bound=Enum)


class View(Enum):
    MONTH = "month"
    WEEK = "week"
    DAY = "day"


def _ordered(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(values)))


@dataclass(frozen=True, kw_only=True)
class ClassFilters:
    """`on`: a day in the period that is shown; None is today, whenever the address is opened. An empty set asks for all."""

    view: View = View.MONTH
    on: date | None = None
    providers: frozenset[str] = frozenset()
    class_types: frozenset[str] = frozenset()
    presences: frozenset[Presence] = frozenset()
    booked: frozenset[BookedStatus] = frozenset()

    @property
    def count(self) -> int:
        """How many values restrict what is shown."""
        return len(self.providers) + len(self.class_types) + len(self.presences) + len(self.booked)

    def at(self, view: View, on: date | None) -> "ClassFilters":
        return replace(self, view=view, on=on)

    def reset(self) -> "ClassFilters":
        """The same period, everything in it."""
        return ClassFilters(view=self.view, on=self.on)

    def without(self, name: str, value: str) -> "ClassFilters":
        """Without one value; `name` as in the address."""
        kept = [item for item in self.items() if item != (name, value)]
        return parse(kept).filters

    def values(self) -> tuple[tuple[str, str], ...]:
        """Name and value of each restriction, as in the address."""
        return tuple((name, value) for name, attribute in _ATTRIBUTES.items() for value in _ordered(map(_text, getattr(self, attribute))))

    def items(self) -> tuple[tuple[str, str], ...]:
        """Everything that differs from the default, in one fixed order: equal filters have equal addresses."""
        view = () if self.view is View.MONTH else (("view", self.view.value),)
        on = () if self.on is None else (("on", self.on.isoformat()),)
        return (*view, *on, *self.values())

    def query(self, **more: str) -> str:
        """The query string without `?`, `more` first; empty where all is default."""
        return urlencode([*more.items(), *self.items()])


_ATTRIBUTES: Final = {"provider": "providers", "type": "class_types", "presence": "presences", "booked": "booked"}


def _text(value: str | Presence | BookedStatus) -> str:
    return value if isinstance(value, str) else value.value


@dataclass(frozen=True, kw_only=True)
class Parsed:
    """`notices`: what of the address was not understood, in plain words, nothing of it quoted."""

    filters: ClassFilters
    notices: tuple[str, ...] = field(default=())


def parse(items: Iterable[tuple[str, str]]) -> Parsed:
    """From the query's name and value pairs. Whatever cannot be right becomes its default, with a notice; other names are ignored."""
    given: dict[str, list[str]] = {}
    for name, value in items:
        given.setdefault(name, []).append(value)
    notices: list[str] = []
    filters = ClassFilters(
        view=_view(given.get("view", ()), notices),
        on=_day(given.get("on", ()), notices),
        providers=_texts(given.get("provider", ()), "providers", notices),
        class_types=_texts(given.get("type", ()), "class types", notices),
        presences=_members(Presence, given.get("presence", ()), "presence", notices),
        booked=_members(BookedStatus, given.get("booked", ()), "booked status", notices),
    )
    return Parsed(filters=filters, notices=tuple(notices))


def _view(values: Sequence[str], notices: list[str]) -> View:
    try:
        return View(values[-1].lower()) if values and values[-1] else View.MONTH
    except ValueError:
        notices.append("This address asks for a view that we do not have; this is the month.")
        return View.MONTH


def _day(values: Sequence[str], notices: list[str]) -> date | None:
    if not values or not values[-1]:
        return None
    try:
        day = date.fromisoformat(values[-1])
    except ValueError:
        notices.append("This address asks for a day that does not exist; this is today.")
        return None
    if FIRST_DAY <= day <= LAST_DAY:
        return day
    notices.append(f"Classes lie in the years {FIRST_YEAR} to {LAST_YEAR}; this is today.")
    return None


def _texts(values: Sequence[str], what: str, notices: list[str]) -> frozenset[str]:
    fitting = _ordered(value for value in values if _can_be(value))
    if len(fitting) > _MOST_VALUES or any(value and not _can_be(value) for value in values):
        notices.append(f"This address asks for more {what} than we can look for; some were left out.")
    return frozenset(fitting[:_MOST_VALUES])


def _can_be(value: str) -> bool:
    """Whether an identifier or a type can be so; PostgreSQL holds no U+0000."""
    return 0 < len(value) <= _LONGEST and "\0" not in value


def _members(enum: type[E], values: Sequence[str], what: str, notices: list[str]) -> frozenset[E]:
    known = {member.value: member for member in enum}
    if any(value and value not in known for value in values):
        notices.append(f"This address asks for a {what} that we do not know; it was left out.")
    return frozenset(known[value] for value in values if value in known)
