"""Google Calendar behind the port: Google's library builds each request and interprets each answer, LeanClient sends it.

Every call is about the provider's own `primary` calendar and asks for no notifications.
"""

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httplib2
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError

from adapters.errors import AlreadyExists, EventGone, ServiceFailing
from adapters.google.errors import calendar_error
from adapters.google.mapping import create_body, event_id, is_made_by, is_standing, key_filter, remote_event, update_body
from adapters.http import HttpAnswer, LeanClient
from adapters.ports import EventMark, RemoteEvent
from schemas.connections import Service
from schemas.intents import CalendarEntry

__all__ = ["GoogleCalendar"]

PRIMARY = "primary"
QUIET = "none"
#: A search by key gives one event a generation; more pages than this means that the service does not stop.
MOST_PAGES = 20
_LIBRARY_LOG = logging.getLogger("googleapiclient")


def _utc_now() -> datetime:
    return datetime.now(UTC)


class GoogleCalendar:
    """CalendarPort over the Calendar API v3 at `api_url` (the bare host). `clock` is for HTTP dates in Retry-After."""

    service = Service.GOOGLE

    def __init__(self, http: LeanClient, *, api_url: str, clock: Callable[[], datetime] = _utc_now) -> None:
        if not _LIBRARY_LOG.level:  # nobody chose, as under Faust's own command: at DEBUG Google's library logs answers whole
            _LIBRARY_LOG.setLevel(logging.INFO)
        self._http = http
        self._clock = clock
        service = build(
            "calendar",
            "v3",
            http=httplib2.Http(),  # never used to send; without it the library would look for credentials
            static_discovery=True,
            cache_discovery=False,
            client_options={"api_endpoint": f"{api_url.rstrip('/')}/calendar/v3/"},
        )
        self._events: Any = service.events()  # made once: each call of it costs milliseconds

    async def create(self, access_token: str, entry: CalendarEntry, mark: EventMark) -> RemoteEvent:
        request = self._events.insert(calendarId=PRIMARY, sendUpdates=QUIET, body=create_body(entry, mark))
        try:
            event = await self._call(access_token, request, creating=True)
        except AlreadyExists as error:
            return await self._created_before(access_token, entry, mark, error)
        return self._ours(event, mark)

    async def update(self, access_token: str, remote_id: str, entry: CalendarEntry, mark: EventMark) -> RemoteEvent:
        # PATCH, not PUT: what the provider added (reminders, colour, notes in other fields) stays as it is.
        request = self._events.patch(calendarId=PRIMARY, eventId=remote_id, sendUpdates=QUIET, body=update_body(entry, mark))
        event = await self._call(access_token, request)
        if not is_standing(event):  # Google takes a change to a deleted event, and the event stays deleted
            raise EventGone(self.service, "cancelled", status=200)
        return self._ours(event, mark)

    async def delete(self, access_token: str, remote_id: str) -> bool:
        request = self._events.delete(calendarId=PRIMARY, eventId=remote_id, sendUpdates=QUIET)
        try:
            await self._call(access_token, request)
        except EventGone:
            return False
        return True

    async def find(self, access_token: str, mark: EventMark) -> RemoteEvent | None:
        event = await self._get(access_token, event_id(mark))
        found = remote_event(event, mark) if event is not None else None
        return found or await self._search(access_token, mark)

    async def close(self) -> None:
        await self._http.close()

    async def _created_before(self, access_token: str, entry: CalendarEntry, mark: EventMark, error: AlreadyExists) -> RemoteEvent:
        """The id is taken. When by this very create, its event is the answer; else the caller has to take the next generation."""
        event = await self._get(access_token, event_id(mark))
        if event is None or not is_made_by(event, entry, mark):
            raise error
        return self._ours(event, mark)

    async def _get(self, access_token: str, remote_id: str) -> dict[str, Any] | None:
        try:
            return await self._call(access_token, self._events.get(calendarId=PRIMARY, eventId=remote_id))
        except EventGone:
            return None

    async def _search(self, access_token: str, mark: EventMark) -> RemoteEvent | None:
        """By the private mark, page by page: Google may answer an empty page that has a next one."""
        request = self._events.list(calendarId=PRIMARY, privateExtendedProperty=[key_filter(mark)], showDeleted=False)
        for _ in range(MOST_PAGES):
            page = await self._call(access_token, request)
            found = next((ours for event in _events(page) if (ours := remote_event(event, mark))), None)
            if found is not None:
                return found
            request = self._events.list_next(request, page)
            if request is None:
                return None
        raise ServiceFailing(self.service, "endless_pages", status=200)

    def _ours(self, event: dict[str, Any], mark: EventMark) -> RemoteEvent:
        ours = remote_event(event, mark)
        if ours is None:  # the work was done all the same, perhaps: the caller looks
            raise ServiceFailing(self.service, "bad_answer", status=200)
        return ours

    async def _call(self, access_token: str, request: Any, *, creating: bool = False) -> dict[str, Any]:
        """One attempt. Raises adapters.errors.CalendarError, outside of any handler, since HttpError holds the answer's whole body."""
        headers = {**request.headers, "authorization": f"Bearer {access_token}"}
        body = request.body.encode() if request.body is not None else None
        answer = await self._http.send(self.service, request.method, request.uri, headers=headers, body=body)
        content = _interpret(request, answer)
        if answer.status >= 300:
            raise calendar_error(answer, self._clock(), creating=creating)
        if answer.status == 204:
            return {}
        if not isinstance(content, dict):  # the library gives what is not JSON as text
            raise ServiceFailing(self.service, "bad_answer", status=answer.status)
        return content


def _events(page: dict[str, Any]) -> Iterator[dict[str, Any]]:
    items = page.get("items")
    return (event for event in (items if isinstance(items, list) else ()) if isinstance(event, dict))


def _interpret(request: Any, answer: HttpAnswer) -> Any:
    """The library's reading of the answer; None for an error, which `calendar_error` reads, and for what the library cannot read."""
    try:
        return request.postproc(httplib2.Response({**answer.headers, "status": str(answer.status)}), answer.body)
    except (HttpError, UnicodeDecodeError, AttributeError, RecursionError):  # AttributeError: an error's message that is no text
        return None
