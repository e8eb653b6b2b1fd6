"""Manage > Classes: the calendar, a class's timeline, and what open pages ask for by themselves."""

from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adapters.portal.classes import live
from adapters.portal.classes.addresses import (
    CALENDAR,
    LIVE_CALENDAR,
    LIVE_CHANGES,
    LIVE_TIMELINE,
    TIMELINE,
    calendar_url,
    changes_url,
    timeline_urls,
)
from adapters.portal.classes.addresses import timeline_url as address_of
from adapters.portal.classes.calendar_page import calendar_page
from adapters.portal.classes.entries import MARK_WORDS
from adapters.portal.classes.filters import ClassFilters
from adapters.portal.classes.reader import Reader, digest, reader_of
from adapters.portal.classes.story import story_of
from adapters.portal.classes.wording import BOOKED_WORDS, when_words
from adapters.portal.web.guards import signed_in
from adapters.portal.web.pages import pages_of
from adapters.portal.web.problems import NextStep, Problem
from adapters.read_model.views import Choices
from adapters.wording import KIND_WORDS, PRESENCE_WORDS

__all__ = ["routes"]

_WORDS: dict[str, Any] = {
    "mark_words": MARK_WORDS,
    "presence_words": PRESENCE_WORDS,
    "booked_words": BOOKED_WORDS,
    "kind_words": KIND_WORDS,
    "when_words": when_words,
}

#: Of filters' values whose words differ from what stands in the address.
_LABELS = {("presence", presence.value): words for presence, words in PRESENCE_WORDS.items()} | {
    ("booked", status.value): words for status, words in BOOKED_WORDS.items()
}


def routes() -> list[Route]:
    return [
        Route(CALENDAR, signed_in(_calendar), methods=["GET"]),
        Route(TIMELINE, signed_in(_timeline), methods=["GET"]),
        Route(LIVE_CALENDAR, signed_in(_live_calendar), methods=["GET"]),
        Route(LIVE_TIMELINE, signed_in(_live_timeline), methods=["GET"]),
        Route(LIVE_CHANGES, signed_in(live.changes), methods=["GET"]),
    ]


async def _calendar(request: Request) -> Response:
    reader = reader_of(request)
    choices = await reader.read_model.choices(reader.restriction)
    context = await _calendar_context(reader)
    return pages_of(request).page(request, "classes/calendar.html", choices=_with_chosen(choices, reader.filters), **context)


async def _live_calendar(request: Request) -> Response:
    return pages_of(request).page(request, "classes/_calendar.html", **await _calendar_context(reader_of(request)))


async def _calendar_context(reader: Reader) -> dict[str, Any]:
    as_of: datetime | None = await reader.read_model.as_of()
    page = calendar_page(reader, await reader.overview())
    timeline_url = timeline_urls(reader.filters)
    return {"page": page, "labels": _LABELS, "as_of": as_of, "notices": reader.notices, "timeline_url": timeline_url, **_WORDS}


def _with_chosen(choices: Choices, filters: ClassFilters) -> dict[str, tuple[str, ...]]:
    """What is chosen can be taken off again, also where no class has it now."""
    return {
        "provider": tuple(sorted(filters.providers.union(choices.provider_ids))),
        "type": tuple(sorted(filters.class_types.union(choices.class_types))),
    }


async def _timeline(request: Request) -> Response:
    return pages_of(request).page(request, "classes/timeline.html", **await _timeline_context(request))


async def _live_timeline(request: Request) -> Response:
    return pages_of(request).page(request, "classes/_timeline.html", **await _timeline_context(request))


async def _timeline_context(request: Request) -> dict[str, Any]:
    """Raises Problem for a class that there is not, or that is another provider's: the answer does not tell which."""
    reader, class_id = reader_of(request), request.query_params.get("class", "")
    timeline = await reader.timeline(class_id)
    if timeline is None:
        raise _no_such_class(calendar_url(reader.filters))
    zone = reader.zone or (timeline.card.time_zone if timeline.card is not None else "UTC")
    return {
        "story": story_of(timeline, zone, own=reader.restriction is not None),
        "card": timeline.card,
        "back": calendar_url(reader.filters),
        "here": address_of(class_id, reader.filters),
        "fragment_url": address_of(class_id, reader.filters, LIVE_TIMELINE),
        "changes_url": changes_url(reader.filters, digest(timeline), class_id),
        **_WORDS,
    }


def _no_such_class(back: str) -> Problem:
    return Problem(
        name="no_such_class",
        title="There is no such class here",
        text="It does not exist, it was forgotten a while after its last day, or it is not yours to see.",
        status=404,
        steps=(NextStep(label="Go to the classes", href=back),),
    )
