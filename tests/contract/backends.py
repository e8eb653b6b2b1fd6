"""One handle for each thing behind the ports: the fakes in memory, and the real adapters against the simulated services.

A test says what a person or a failing network does; the handle says it to what is behind the port, and reads the calendar back.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from adapters.errors import CalendarError, Permanent, ServiceFailing, Throttled
from adapters.fakes import FakeCalendar, FakeTokens, Operation
from adapters.ports import CalendarPort, TokenPort
from adapters.wording import description_lines
from schemas.connections import Service
from schemas.wall_time import instants

EMAIL = "anna@impact.example"


@dataclass(frozen=True, kw_only=True)
class Seen:
    """An event that stands, as a person sees it."""

    remote_id: str
    title: str
    start_utc: datetime
    end_utc: datetime
    location: str
    description: str
    mark: Mapping[str, str] = field(default_factory=dict)
    raw: Mapping[str, Any] = field(default_factory=dict)


class Backend(Protocol):
    service: Service
    calendar: CalendarPort
    tokens: TokenPort
    refresh_token: str
    #: What a shortened title has at most, in UTF-16 code units.
    title_limit: int

    async def access_token(self) -> str: ...

    async def seen(self) -> list[Seen]: ...

    async def notifications(self) -> int: ...

    async def remove_by_hand(self, remote_id: str) -> None: ...

    async def rename_by_hand(self, remote_id: str, title: str) -> None: ...

    async def answer_next(self, status: int, *, operation: Operation, retry_after: float | None = None, keep_work: bool = False) -> None:
        """The next call of that operation is answered with `status`."""

    async def drop_next(self, *, operation: Operation, after: bool) -> None:
        """The next call of that operation is cut off, before or after its work."""

    async def revoke_by_hand(self) -> None: ...


class FakeBackend:
    title_limit = 100_000

    def __init__(self, service: Service) -> None:
        self.service = service
        self.refresh_token = "fake-refresh-0"
        self.fake_tokens = FakeTokens(service, rotates=service is Service.MICROSOFT)
        self.fake_tokens.grant(self.refresh_token, EMAIL)
        self.fake_calendar = FakeCalendar(service, tokens=self.fake_tokens)
        self.tokens: TokenPort = self.fake_tokens
        self.calendar: CalendarPort = self.fake_calendar

    async def access_token(self) -> str:
        granted = await self.tokens.refresh(self.refresh_token, datetime.now(UTC))
        self.refresh_token = granted.refresh_token or self.refresh_token
        return granted.access_token

    async def seen(self) -> list[Seen]:
        shown = []
        for event in self.fake_calendar.standing(EMAIL):
            start, end = instants(event.entry.starts_at, event.entry.ends_at, event.entry.time_zone)
            shown.append(
                Seen(
                    remote_id=event.remote_id,
                    title=event.entry.title,
                    start_utc=start,
                    end_utc=end,
                    location=event.entry.location,
                    description="\n".join(description_lines(event.entry)),
                )
            )
        return shown

    async def notifications(self) -> int:
        return 0

    async def remove_by_hand(self, remote_id: str) -> None:
        self.fake_calendar.remove_by_hand(remote_id)

    async def rename_by_hand(self, remote_id: str, title: str) -> None:
        self.fake_calendar.rename_by_hand(remote_id, title)

    async def answer_next(self, status: int, *, operation: Operation, retry_after: float | None = None, keep_work: bool = False) -> None:
        def error() -> CalendarError:
            if status == 429:
                return Throttled(self.service, "rateLimitExceeded", status=status, retry_after=retry_after)
            if status >= 500:
                return ServiceFailing(self.service, "backendError", status=status, retry_after=retry_after)
            return Permanent(self.service, "badRequest", status=status)

        self._script(operation).fail(error, after=keep_work, operation=operation)

    async def drop_next(self, *, operation: Operation, after: bool) -> None:
        self._script(operation).fail(lambda: ServiceFailing(self.service, "dropped"), after=after, operation=operation)

    async def revoke_by_hand(self) -> None:
        self.fake_tokens.revoke_by_hand(EMAIL)

    def _script(self, operation: Operation) -> Any:
        return self.fake_tokens.script if operation in ("refresh", "revoke") else self.fake_calendar.script
