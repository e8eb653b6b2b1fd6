"""What one request may see and how it wants it shown: the session's restriction, the address's filters, the browser's zone."""

from dataclasses import dataclass
from datetime import date
from hashlib import blake2b
from typing import Any
from urllib.parse import unquote
from zoneinfo import ZoneInfo

import msgspec
from starlette.requests import Request

from adapters.portal.classes.entries import overview_of
from adapters.portal.classes.filters import ClassFilters, View, parse
from adapters.portal.classes.grids import CELL_LINES
from adapters.portal.classes.periods import Period, period_of
from adapters.portal.classes.zones import ZONE_COOKIE, valid_zone
from adapters.portal.ports import ReadModel
from adapters.portal.services import services_of
from adapters.portal.web.guards import signed_in_session
from adapters.read_model.overview import Overview
from adapters.read_model.views import ClassQuery, Timeline

__all__ = ["Reader", "digest", "reader_of"]

_encode = msgspec.msgpack.Encoder().encode


@dataclass(frozen=True, kw_only=True)
class Reader:
    """`restriction`: the provider whose classes alone may be seen; None for administrators and operators. `zone`: None until known."""

    read_model: ReadModel
    restriction: str | None
    filters: ClassFilters
    notices: tuple[str, ...]
    zone: str | None
    today: date

    @property
    def period(self) -> Period:
        return period_of(self.filters.view, self.filters.on or self.today)

    @property
    def _query(self) -> ClassQuery:
        period, filters = self.period, self.filters
        return ClassQuery(
            first_day=period.first,
            last_day=period.last,
            provider_ids=filters.providers,
            class_types=filters.class_types,
            presences=filters.presences,
            booked_statuses=filters.booked,
            provider_restriction=self.restriction,
        )

    async def overview(self) -> Overview:
        """What the period's page shows: of a month of everybody the first few classes of each day, otherwise all of them; there are few."""
        period = self.period
        if period.view is View.MONTH and self.restriction is None and not self.filters.providers:
            return await self.read_model.overview(self._query, period.proper, CELL_LINES)
        return overview_of(await self.read_model.classes(self._query), period.days)

    async def timeline(self, class_id: str) -> Timeline | None:
        """None also for what can be no class's id."""
        if not 0 < len(class_id) <= 256 or "\0" in class_id:
            return None
        return await self.read_model.timeline(class_id, self.restriction)

    async def look(self, class_id: str | None) -> str:
        """The digest of what a page would show now: the calendar, or one class's timeline."""
        return digest(await self.overview() if class_id is None else await self.timeline(class_id))


def digest(shown: Any) -> str:
    """Of an overview or a timeline; equal when they are."""
    return blake2b(_encode(shown), digest_size=12).hexdigest()


def reader_of(request: Request) -> Reader:
    """For endpoints behind `signed_in`."""
    session = signed_in_session(request)
    deps = services_of(request).deps
    parsed = parse(request.query_params.multi_items())
    zone = valid_zone(unquote(request.cookies.get(ZONE_COOKIE, "")))
    return Reader(
        read_model=deps.read_model,
        restriction=None if session.administrator else session.provider_id,
        filters=parsed.filters,
        notices=parsed.notices,
        zone=zone,
        today=deps.clock().astimezone(ZoneInfo(zone or "UTC")).date(),
    )
