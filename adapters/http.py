"""The lean HTTP sender under both calendar services: one request, one attempt, one answer.

The vendors' SDKs build the requests and interpret the answers; their own transports cost several times the CPU of aiohttp a call, and one
of them sends a POST again on a dropped connection. Here nothing is sent twice: aiohttp alone would send GET, PUT and DELETE again (never
POST or PATCH) when a kept-alive connection turns out to be closed. `_send_once` takes that away: the caller sees every drop.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import aiohttp
from yarl import URL

from adapters.errors import CalendarError, Misconfigured, ServiceFailing
from adapters.guarded import GuardedConnector
from schemas.connections import Service

__all__ = ["HttpAnswer", "LeanClient", "retry_after_seconds"]

USER_AGENT = "impact-calendar"
#: Whatever a service asks for, nobody is told to wait longer than this.
LONGEST_RETRY_AFTER = timedelta(days=7)


#: What both services say in JSON when they say it themselves.
_REFUSALS = frozenset({403, 404, 410})


@dataclass(frozen=True, kw_only=True)
class HttpAnswer:
    """What a service answered. Header names are lower-case; `body` is out of repr, since it may hold tokens and titles."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def is_foreign(self) -> bool:
        """A refusal that is a web page: a proxy or a gateway in between answers. It says nothing of an event or a grant."""
        return self.status in _REFUSALS and (
            self.headers.get("content-type", "").lower().startswith("text/html") or self.body.lstrip()[:1] == b"<"
        )


class LeanClient:
    """One pool of connections for a process. The pool is made at the first `send`, in the loop that runs then.

    `timeout` bounds a whole call: waiting for a connection, connecting, sending, and reading the answer to its end.
    No redirect is followed (a 3xx is an answer like any other), no cookie is kept, no proxy is taken from the environment.
    """

    def __init__(self, *, timeout: timedelta, connection_limit: int = 1000) -> None:
        self._timeout = aiohttp.ClientTimeout(total=timeout.total_seconds())
        self._connection_limit = connection_limit
        self._session: aiohttp.ClientSession | None = None
        self._allowed: Callable[[], bool] = _always

    def only_if(self, allowed: Callable[[], bool]) -> None:
        """`allowed` is asked at the last moment before anything is sent; where it says no the call fails as `dropped`. Before the first."""
        self._allowed = allowed

    async def send(self, service: Service, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None) -> HttpAnswer:
        """The service's answer, whatever its status. `url` is sent as it is: it has to be percent-encoded already.

        Raises ServiceFailing when there is no whole answer, with one of these codes:
        `connect_failed` (refused, name not found, TLS): the request was not sent, the work was not done;
        `timeout` and `dropped` (closed, reset or cut short): the work may have been done or not. Look before creating again.
        Raises Misconfigured with `invalid_request` when the address or a header cannot be sent at all.
        """
        try:
            return await self._send(method, url, headers, body)
        except (TimeoutError, _NoAnswer, aiohttp.ClientError, OSError, ValueError) as error:
            failure = _failure(service, error)
        # Raised outside of the handler: aiohttp's errors hold the request with its Authorization header, so none is kept as the context.
        raise failure

    async def close(self) -> None:
        """Idempotent. A later `send` opens a new pool."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> HttpAnswer:
        # encoded=True: yarl would otherwise decode and re-encode what the vendors' libraries have encoded
        async with self._pool().request(method, URL(url, encoded=True), headers=headers, data=body, allow_redirects=False) as response:
            content = await response.read()
            return HttpAnswer(
                status=response.status, headers={name.lower(): value for name, value in response.headers.items()}, body=content
            )

    def _pool(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=GuardedConnector(self._allowed, limit=self._connection_limit, ttl_dns_cache=60),
                timeout=self._timeout,
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": USER_AGENT},
                middlewares=(_send_once,),
            )
        return self._session


def retry_after_seconds(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds to wait by the Retry-After header (RFC 9110 section 10.2.3: seconds, or an HTTP date), at least 0; None without a usable one.

    `headers` has lower-case names; `now` is aware.
    """
    value = headers.get("retry-after", "").strip()
    longest = LONGEST_RETRY_AFTER.total_seconds()
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", value):
        return min(float(value), longest)
    try:
        due = parsedate_to_datetime(value)
    except ValueError:
        return None
    if due.tzinfo is None:  # "-0000": the time is in UTC (RFC 5322 section 3.3)
        due = due.replace(tzinfo=UTC)
    return min(max((due - now).total_seconds(), 0.0), longest)


def _always() -> bool:
    return True


class _NoAnswer(Exception):
    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


async def _send_once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Turns a drop into an error that aiohttp does not take as a reason for its second attempt."""
    try:
        return await handler(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        no_answer = _NoAnswer(_code(error))
    raise no_answer


def _failure(service: Service, error: Exception) -> CalendarError:
    match error:
        case _NoAnswer():
            return ServiceFailing(service, error.code)
        case aiohttp.InvalidURL() | aiohttp.NonHttpUrlClientError():
            return Misconfigured(service, "invalid_request", detail="the address cannot be called")
        case aiohttp.ClientError() | OSError():
            return ServiceFailing(service, _code(error))
        case _:
            return Misconfigured(service, "invalid_request", detail="a header or the address has a character that cannot be sent")


def _code(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
        return "connect_failed"
    return "timeout" if isinstance(error, TimeoutError) else "dropped"
