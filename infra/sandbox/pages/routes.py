"""`/` and `/calendars/{service}/{email}?month=2026-11`."""

from aiohttp import web

from infra.sandbox.control.http import mailbox_of, problem
from infra.sandbox.control.view import standing_views
from infra.sandbox.pages.frame import PAGE_HEADERS
from infra.sandbox.pages.html import home_page, month_page
from infra.sandbox.pages.month import lay_out, read_month
from infra.sandbox.world import WORLD

__all__ = ["routes"]

_LATEST = 15


def routes() -> list[web.RouteDef]:
    return [web.get("/", _home), web.get("/calendars/{service}/{email}", _month)]


async def _home(request: web.Request) -> web.Response:
    world = request.app[WORLD]
    page = home_page(list(world.mailboxes), world.faults.all(), world.journal.latest(_LATEST))
    return _html(page)


async def _month(request: web.Request) -> web.Response:
    mailbox, today = mailbox_of(request), request.app[WORLD].clock.now().date()
    month = read_month(request.query.get("month"), today)
    if month is None:
        raise problem(400, "month: expects a year and a month, such as 2026-11")
    return _html(month_page(mailbox, month, lay_out(month, standing_views(mailbox)), today))


def _html(page: str) -> web.Response:
    return web.Response(text=page, content_type="text/html", headers=PAGE_HEADERS)
