"""The portal with its neighbours faked: a read model that tests write by hand, and a publisher that remembers."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import msgspec

from adapters.portal.ports import PublishFailed
from adapters.read_model.overview import Overview
from adapters.read_model.views import CalendarSummary, Changes, Choices, ClassCard, ClassQuery, ConnectionView, Timeline
from adapters.vault.seal import KeyRing
from schemas.connections import ConnectionEvent, ConnectionGranted, ConnectionRevoked, ConnectionState

__all__ = ["RING", "SESSION_KEY", "FakePublisher", "FakeReadModel", "TestClock"]

RING = KeyRing([("test", bytes(range(32)))])
SESSION_KEY = bytes(range(32, 64))


class TestClock:
    __test__ = False

    def __init__(self) -> None:
        self.ahead = timedelta(0)
        self._stands_at: datetime | None = None

    def __call__(self) -> datetime:
        return (self._stands_at or datetime.now(UTC)) + self.ahead

    def stand_still(self) -> None:
        """From now on only `advance` moves it: for what happens within seconds, which a busy machine takes for the test alone."""
        self._stands_at = datetime.now(UTC)

    def advance(self, **units: float) -> None:
        self.ahead += timedelta(**units)


@dataclass
class FakeReadModel:
    """`connections` and `summaries` by provider."""

    connections: dict[str, ConnectionView] = field(default_factory=dict)
    summaries: dict[str, CalendarSummary] = field(default_factory=dict)

    async def connection(self, provider_id: str) -> ConnectionView | None:
        return self.connections.get(provider_id)

    async def calendar_summary(self, provider_id: str) -> CalendarSummary:
        return self.summaries.get(provider_id, CalendarSummary())

    async def calendar(self, provider_id: str) -> tuple[ConnectionView | None, CalendarSummary]:
        return await self.connection(provider_id), await self.calendar_summary(provider_id)

    async def as_of(self) -> datetime | None:
        return datetime.now(UTC)

    async def classes(self, query: ClassQuery) -> list[ClassCard]:
        return []

    async def overview(self, query: ClassQuery, proper: tuple[date, date], most: int) -> Overview:
        return Overview(days=(), marks=())

    async def choices(self, provider_restriction: str | None = None) -> Choices:
        return Choices()

    async def timeline(self, class_id: str, provider_restriction: str | None = None) -> Timeline | None:
        return None

    async def changes_since(self, cursor: int | None) -> Changes:
        return Changes(cursor=cursor or 0)

    def set_state(self, provider_id: str, state: ConnectionState, reason: str | None = None) -> None:
        self.connections[provider_id] = msgspec.structs.replace(self.connections[provider_id], state=state, reason=reason)


@dataclass
class FakePublisher:
    """`failing`: records are not confirmed. `apply_to`: a read model that hears of grants and ends at once."""

    events: list[ConnectionEvent] = field(default_factory=list)
    failing: bool = False
    apply_to: FakeReadModel | None = None

    async def granted(self, event: ConnectionGranted) -> None:
        self._take(event)
        if self.apply_to is not None:
            self.apply_to.connections[event.provider_id] = ConnectionView(
                provider_id=event.provider_id,
                grant_id=event.grant_id,
                service=event.service,
                email=event.email,
                state=ConnectionState.CONNECTED,
                connected_at=event.connected_at,
                changed_at=event.connected_at,
            )

    async def revoked(self, event: ConnectionRevoked) -> None:
        self._take(event)
        if self.apply_to is not None:
            ended = ConnectionState.DISCONNECTING if event.remove_events else ConnectionState.DISCONNECTED
            self.apply_to.set_state(event.provider_id, ended)

    def _take(self, event: ConnectionEvent) -> None:
        if self.failing:
            raise PublishFailed("test")
        self.events.append(event)
