"""Looking at the simulated calendars, and changing them by a person's hand."""

from datetime import UTC, datetime
from typing import Any

import msgspec
from aiohttp import web

from infra.sandbox.answers import Refusal
from infra.sandbox.config import GOOGLE
from infra.sandbox.control.http import answer, mailbox_of, problem, read
from infra.sandbox.control.view import standing_views, view
from infra.sandbox.google.by_hand import GoogleHand
from infra.sandbox.mailboxes import Mailbox, StoredEvent
from infra.sandbox.microsoft.by_hand import MicrosoftHand
from infra.sandbox.microsoft.zones import zone_of
from infra.sandbox.world import WORLD

__all__ = ["routes"]

_CALENDAR = "/control/calendars/{service}/{email}"
_EVENT = _CALENDAR + "/{event}"


class _Edit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Absent = left as it is. `start`/`end`: with an offset an instant, without one a wall time in the event's own zone."""

    title: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    location: str | None = None


def routes() -> list[web.RouteDef]:
    return [
        web.get("/control/calendars", _list),
        web.get(_CALENDAR, _show),
        web.patch(_EVENT, _edit),
        web.delete(_EVENT, _delete),
        web.post(_EVENT + "/move", _move),
    ]


async def _list(request: web.Request) -> web.Response:
    return answer(200, {"calendars": [_summary(mailbox) for mailbox in request.app[WORLD].mailboxes]})


async def _show(request: web.Request) -> web.Response:
    return answer(200, {"events": standing_views(mailbox_of(request))})


async def _edit(request: web.Request) -> web.Response:
    edit, mailbox, event = await read(request, _Edit), mailbox_of(request), _event_of(request)
    zone = zone_of(view(mailbox.service, event).time_zone)
    start, end = (moment if moment is None or moment.tzinfo else moment.replace(tzinfo=zone) for moment in (edit.start, edit.end))
    hand = _hand(request, mailbox)
    try:
        hand.edit(
            event,
            title=edit.title,
            start=start.astimezone(UTC) if start else None,
            end=end.astimezone(UTC) if end else None,
            location=edit.location,
        )
    except Refusal:
        raise problem(400, "start, end: the calendar service does not take these times") from None
    return answer(200, view(mailbox.service, event))


async def _delete(request: web.Request) -> web.Response:
    _hand(request, mailbox_of(request)).delete(_event_of(request))
    return web.Response(status=204)


async def _move(request: web.Request) -> web.Response:
    mailbox = mailbox_of(request)
    moved = _hand(request, mailbox).move(_event_of(request))
    return answer(200, view(mailbox.service, moved))


def _hand(request: web.Request, mailbox: Mailbox) -> GoogleHand | MicrosoftHand:
    world = request.app[WORLD]
    return GoogleHand(world, mailbox) if mailbox.service == GOOGLE else MicrosoftHand(world, mailbox)


def _event_of(request: web.Request) -> StoredEvent:
    event = mailbox_of(request).find(request.match_info["event"])
    if event is None or not event.standing:
        raise problem(404, "no such event stands")
    return event


def _summary(mailbox: Mailbox) -> dict[str, Any]:
    return {
        "service": mailbox.service,
        "email": mailbox.email,
        "standing": len(mailbox.standing()),
        "duplicates": mailbox.duplicates,
        "notifications": mailbox.notifications,
        "max_concurrency": mailbox.max_in_flight,
    }
