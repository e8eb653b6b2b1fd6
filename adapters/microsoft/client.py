"""The Microsoft 365 / Outlook.com calendar behind the port: msgraph-sdk builds a request, LeanClient sends it, slim shapes read the answer.

Every call is about the provider's own primary calendar (`/me/events`).
"""

from collections.abc import Callable
from datetime import UTC, datetime

from adapters.errors import AlreadyExists, EventGone, ServiceFailing
from adapters.http import HttpAnswer, LeanClient
from adapters.microsoft.answers import EventAnswer, PageAnswer, read
from adapters.microsoft.credential import TokenGuard
from adapters.microsoft.errors import calendar_error
from adapters.microsoft.mapping import content_digest, create_event, key, update_event
from adapters.microsoft.requests import GraphRequest, GraphRequests
from adapters.ports import EventMark, RemoteEvent
from schemas.connections import Service
from schemas.intents import CalendarEntry

__all__ = ["MicrosoftCalendar"]

#: A search by key gives one event a generation; more pages than this means that the service does not stop.
MOST_PAGES = 20


def _utc_now() -> datetime:
    return datetime.now(UTC)


class MicrosoftCalendar:
    """CalendarPort over Microsoft Graph at `graph_url` (with the version). `clock` is for HTTP dates in Retry-After.

    Raises ValueError for an address to which no token may be sent.
    """

    service = Service.MICROSOFT

    def __init__(self, http: LeanClient, *, graph_url: str, clock: Callable[[], datetime] = _utc_now) -> None:
        self._http = http
        self._clock = clock
        self._guard = TokenGuard(graph_url)
        self._requests = GraphRequests(graph_url)

    async def create(self, access_token: str, entry: CalendarEntry, mark: EventMark) -> RemoteEvent:
        request = self._requests.create(create_event(entry, mark))
        try:
            answer = await self._call(access_token, request, of_event=False)
        except AlreadyExists as error:
            return await self._created_before(access_token, entry, mark, error)
        return _written(answer, mark)

    async def update(self, access_token: str, remote_id: str, entry: CalendarEntry, mark: EventMark) -> RemoteEvent:
        return _written(await self._call(access_token, self._requests.update(remote_id, update_event(entry, mark))), mark)

    async def delete(self, access_token: str, remote_id: str) -> bool:
        try:
            await self._call(access_token, self._requests.delete(remote_id))
        except EventGone:
            return False
        return True

    async def find(self, access_token: str, mark: EventMark) -> RemoteEvent | None:
        found = await self._standing(access_token, mark)
        return found.remote(mark) if found is not None else None

    async def close(self) -> None:
        await self._http.close()

    async def _created_before(self, access_token: str, entry: CalendarEntry, mark: EventMark, error: AlreadyExists) -> RemoteEvent:
        """The transaction id was used. When by this very create, its event is the answer; else the caller has to look for itself."""
        found = await self._standing(access_token, mark)
        remote = found.remote(mark) if found is not None and found.is_made_of(content_digest(entry)) else None
        if remote is None or remote.revision != mark.revision:
            raise error
        return remote

    async def _standing(self, access_token: str, mark: EventMark) -> EventAnswer | None:
        """By the private mark, page by page: Graph may answer an empty page that has a next one."""
        request = self._requests.find(key(mark))
        for _ in range(MOST_PAGES):
            page = read(await self._call(access_token, request, of_event=False), PageAnswer)
            found = next((event for event in page.value if event.remote(mark) is not None), None)
            if found is not None or page.next_link is None:
                return found
            request = self._requests.next_page(page.next_link)
        raise ServiceFailing(self.service, "endless_pages", status=200)

    async def _call(self, access_token: str, request: GraphRequest, *, of_event: bool = True) -> HttpAnswer:
        """One attempt. Raises adapters.errors.CalendarError."""
        authorization = await self._guard.authorization(request.url, access_token)
        headers = {**request.headers, "authorization": authorization}
        answer = await self._http.send(self.service, request.method, request.url, headers=headers, body=request.body)
        if not 200 <= answer.status < 300:
            raise calendar_error(answer, self._clock(), of_event=of_event)
        return answer


def _written(answer: HttpAnswer, mark: EventMark) -> RemoteEvent:
    return RemoteEvent(remote_id=read(answer, EventAnswer).id, revision=mark.revision, generation=mark.generation)
