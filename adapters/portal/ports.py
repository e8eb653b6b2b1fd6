"""What the portal needs of the rest: where it reads connections, and where it publishes grants and their end."""

from datetime import date, datetime
from typing import Protocol

from adapters.read_model.overview import Overview
from adapters.read_model.views import CalendarSummary, Changes, Choices, ClassCard, ClassQuery, ConnectionView, Timeline
from schemas.connections import ConnectionGranted, ConnectionRevoked

__all__ = ["ConnectionPublisher", "PublishFailed", "ReadModel"]


class PublishFailed(Exception):
    """The record was not confirmed in time; it may or may not have been written. Publishing the same grant again is harmless."""


class ConnectionPublisher(Protocol):
    """Writes to calendar.connections.v1, keyed by provider_id. Returns once the record is confirmed by all in-sync replicas."""

    async def granted(self, event: ConnectionGranted) -> None:
        """Raises PublishFailed."""

    async def revoked(self, event: ConnectionRevoked) -> None:
        """Raises PublishFailed."""


class ReadModel(Protocol):
    """What the pages show: adapters.read_model.queries.ReadModelQueries. It is behind the topics by a moment."""

    async def connection(self, provider_id: str) -> ConnectionView | None:
        """As last published by the workers; None where there never was one."""

    async def calendar_summary(self, provider_id: str) -> CalendarSummary:
        """All zeros for a provider of whom nothing is known."""

    async def calendar(self, provider_id: str) -> tuple[ConnectionView | None, CalendarSummary]:
        """Both of the above at once, which is cheaper than one after the other."""

    async def as_of(self) -> datetime | None:
        """Everything that had been published by then is in. None while the read model is built for the first time, or anew."""

    async def classes(self, query: ClassQuery) -> list[ClassCard]:
        """In the order of their start."""

    async def overview(self, query: ClassQuery, proper: tuple[date, date], most: int) -> Overview:
        """Each day of the query that has a class, with the first `most` of it; how the classes of the days of `proper` stand."""

    async def choices(self, provider_restriction: str | None) -> Choices:
        """What the filters can be set to; `provider_restriction`: as ClassQuery has it."""

    async def timeline(self, class_id: str, provider_restriction: str | None) -> Timeline | None:
        """None for a class that is not known, or not the restricted provider's."""

    async def changes_since(self, cursor: int | None) -> Changes:
        """What changed after a cursor; None starts at now."""
