"""Server-sent events: an open page hears that what it shows has changed, and asks for the new part itself.

The page says what it shows by a digest, so nothing is missed between a page and its stream, nor while a stream is being opened anew.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from adapters.portal.classes.feed import ChangeFeed
from adapters.portal.classes.reader import Reader, reader_of
from adapters.portal.services import services_of
from adapters.portal.web.words import iso

__all__ = ["changes"]

log = logging.getLogger(__name__)

#: A stream ends so that the session is looked at again; browsers open it anew by themselves.
LIFETIME: Final = timedelta(minutes=5)
#: A silent stream looks dead to proxies, and a browser that went away is noticed when something is sent.
HEARTBEAT: Final = timedelta(seconds=15)
#: After one look the page rests, so that a storm of changes costs a few looks a second and no more.
REST: Final = timedelta(milliseconds=200)
_MEDIA_TYPE: Final = "text/event-stream"
_RETRY: Final = "retry: 1000\n\n"


async def changes(request: Request) -> Response:
    """GET with the page's own query, `seen` (a digest) and, for a timeline, `class`."""
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    if request.method == "HEAD":  # a stream without a body would be held open for nobody
        return Response(media_type=_MEDIA_TYPE, headers=headers)
    seen = request.headers.get("last-event-id") or request.query_params.get("seen", "")
    services = services_of(request)
    stream = _stream(reader_of(request), services.class_changes, request.query_params.get("class"), seen[:64])
    return StreamingResponse(stream, media_type=_MEDIA_TYPE, headers=headers)


async def _stream(reader: Reader, feed: ChangeFeed, class_id: str | None, seen: str) -> AsyncIterator[str]:
    """`changed` (its data and id: the new digest) and `as-of` (an instant), until the stream's lifetime is over."""
    yield _RETRY
    told: datetime | None = None
    clock = asyncio.get_running_loop().time
    end = clock() + LIFETIME.total_seconds()
    async with feed.watch() as watcher:
        watcher.wake()
        while clock() < end:
            if await watcher.wait(HEARTBEAT):
                look = await _look(reader, class_id)
                if look is None:
                    return
                if look != seen:
                    seen = look
                    yield f"event: changed\nid: {look}\ndata: {look}\n\n"
                await asyncio.sleep(REST.total_seconds())
            if feed.as_of is not None and feed.as_of != told:
                told = feed.as_of
                yield f"event: as-of\ndata: {iso(told)}\n\n"
            else:
                yield ": still here\n\n"


async def _look(reader: Reader, class_id: str | None) -> str | None:
    """None ends the stream: the read model does not answer, and the browser asks again by itself."""
    try:
        return await reader.look(class_id)
    except (SQLAlchemyError, OSError) as error:
        log.warning("the read model did not answer an open page: %s", type(error).__name__)
        return None
