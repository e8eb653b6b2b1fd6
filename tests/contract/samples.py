"""Entries, marks, and the check that every failure of a port has to pass."""

from collections.abc import Awaitable
from datetime import datetime
from typing import Any

import msgspec
import pytest

from adapters.errors import CalendarError
from adapters.ports import EventMark
from schemas.events import Kind, Presence
from schemas.intents import CalendarEntry

ENTRY = CalendarEntry(
    title="Morning yoga",
    kind=Kind.CLASS,
    class_type="Yoga",
    starts_at=datetime(2026, 3, 2, 9, 30),
    ends_at=datetime(2026, 3, 2, 10, 45),
    time_zone="Europe/Paris",
    location="Hall 2, 5 rue de la Paix",
    presence=Presence.HYBRID,
    url="https://impact.example/classes/1?from=calendar&x=1",
)

MARK = EventMark(provider_id="provider-1", class_id="class-1", revision=3, generation=1, grant_id="grant-1")


def entry(**changes: Any) -> CalendarEntry:
    return msgspec.structs.replace(ENTRY, **changes)


def mark(**changes: Any) -> EventMark:
    fields = {name: getattr(MARK, name) for name in ("provider_id", "class_id", "revision", "generation", "grant_id")}
    return EventMark(**(fields | changes))


async def failure(call: Awaitable[object], *secrets: str) -> CalendarError:
    """The CalendarError that the call raises. Neither it nor any error behind it holds a token, the title or the place."""
    with pytest.raises(CalendarError) as caught:
        await call
    pending: list[BaseException | None] = [caught.value]
    while pending:
        error = pending.pop()
        if error is not None:
            text = f"{error!s} {error!r} {error.args!r} {vars(error)!r}"
            for secret in (*secrets, ENTRY.title, ENTRY.location):
                assert secret not in text
            pending += [error.__cause__, error.__context__]
    return caught.value
