"""LeanClient against a raw TCP server that can drop, cut short, stall and count."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from adapters.errors import CalendarError, Misconfigured, ServiceFailing
from adapters.http import LeanClient, retry_after_seconds
from schemas.connections import Service

TOKEN = "ya29.secret-access-token"
NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)

Handler = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]


class Server:
    """Reads one request after the other from each connection and leaves the answer to `handler`."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.requests: list[bytes] = []
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = next((int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
                body = await reader.readexactly(length)
                self.requests.append(head + body)
                await self.handler(head + body, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[Server]:
    server = Server(handler)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listener.close()


@pytest.fixture
async def client() -> AsyncIterator[LeanClient]:
    lean = LeanClient(timeout=timedelta(seconds=20))
    yield lean
    await lean.close()


async def ok(_request: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Goog-Thing: A\r\nSet-Cookie: a=b\r\n\r\n{}")
    await writer.drain()


async def drop(_request: bytes, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def send(client: LeanClient, url: str, method: str = "GET", body: bytes | None = None) -> object:
    return await client.send(Service.GOOGLE, method, url, headers={"authorization": f"Bearer {TOKEN}"}, body=body)


async def failure_of(client: LeanClient, url: str, method: str = "GET", body: bytes | None = None) -> CalendarError:
    with pytest.raises(CalendarError) as caught:
        await send(client, url, method, body)
    return caught.value


async def test_an_answer_has_lower_case_headers_and_keeps_its_body_out_of_repr(client: LeanClient) -> None:
    async with serving(ok) as server:
        answer = await client.send(Service.GOOGLE, "GET", server.url, headers={}, body=None)
    assert (answer.status, answer.body, answer.headers["x-goog-thing"]) == (200, b"{}", "A")
    assert "b'{}'" not in repr(answer)


async def test_cookies_are_not_sent_back_and_the_address_goes_out_as_it_was_built(client: LeanClient) -> None:
    async with serving(ok) as server:
        named = server.url.replace("127.0.0.1", "localhost")  # aiohttp's own jar keeps no cookie of a bare address
        for _ in range(2):
            await send(client, named + "/a%2fb%41?x=%2B%3d%7E%20y")
    assert len(server.requests) == 2
    assert all(request.startswith(b"GET /a%2fb%41?x=%2B%3d%7E%20y HTTP/1.1") for request in server.requests)
    assert b"cookie" not in server.requests[1].lower()


async def test_a_redirect_is_an_answer_and_is_not_followed(client: LeanClient) -> None:
    async def redirect(_request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 307 Moved\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n")

    async with serving(redirect) as server:
        answer = await client.send(Service.GOOGLE, "POST", server.url, headers={}, body=b"{}")
    assert answer.status == 307
    assert len(server.requests) == 1


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "POST", "PATCH"])
async def test_a_dropped_kept_alive_connection_is_reported_and_nothing_is_sent_twice(client: LeanClient, method: str) -> None:
    async def ok_then_drop(request: bytes, writer: asyncio.StreamWriter) -> None:
        await (ok if b"warm-up" in request else drop)(request, writer)

    async with serving(ok_then_drop) as server:
        await send(client, server.url + "/warm-up")
        failure = await failure_of(client, server.url + "/work", method, b"{}" if method != "GET" else None)
    assert (type(failure), failure.code) == (ServiceFailing, "dropped")
    assert len(server.requests) == 2


async def test_an_answer_cut_short_is_a_drop(client: LeanClient) -> None:
    async def cut_short(_request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
        writer.close()

    async with serving(cut_short) as server:
        assert (await failure_of(client, server.url)).code == "dropped"


async def test_an_answer_that_is_not_http_is_a_drop(client: LeanClient) -> None:
    async def noise(_request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH\r\n\r\n")

    async with serving(noise) as server:
        assert (await failure_of(client, server.url)).code == "dropped"


async def test_a_service_that_does_not_answer_is_a_time_out() -> None:
    async def stall(_request: bytes, _writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    client = LeanClient(timeout=timedelta(milliseconds=500))
    async with serving(stall) as server:
        failure = await failure_of(client, server.url)
    await client.close()
    assert (type(failure), failure.code) == (ServiceFailing, "timeout")


async def test_a_refused_connection_and_an_unknown_name_and_no_tls_are_not_sent(client: LeanClient) -> None:
    async def plain(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Plain\r\n\r\n")
        writer.close()

    listener = await asyncio.start_server(plain, "127.0.0.1", 0)
    address = f"127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    assert (await failure_of(client, f"https://{address}/")).code == "connect_failed"
    listener.close()
    assert (await failure_of(client, f"http://{address}/")).code == "connect_failed"
    assert (await failure_of(client, "http://no-such-host.invalid/")).code == "connect_failed"


async def test_cancelling_passes_through(client: LeanClient) -> None:
    reached = asyncio.Event()

    async def stall(_request: bytes, _writer: asyncio.StreamWriter) -> None:
        reached.set()
        await asyncio.Event().wait()

    async with serving(stall) as server:
        task = asyncio.ensure_future(send(client, server.url))
        await reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


@pytest.mark.parametrize("url", ["ftp://example.invalid/", "http://"])
async def test_an_address_that_cannot_be_called_is_misconfiguration(client: LeanClient, url: str) -> None:
    assert type(await failure_of(client, url)) is Misconfigured


async def test_a_header_that_cannot_be_sent_is_misconfiguration(client: LeanClient) -> None:
    async with serving(ok) as server:
        with pytest.raises(Misconfigured):
            await client.send(Service.GOOGLE, "GET", server.url, headers={"authorization": "Bearer a\r\nb: c"}, body=None)
    assert server.requests == []


async def test_no_failure_holds_the_token_in_itself_its_cause_or_its_context(client: LeanClient) -> None:
    async def noise(_request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/9.9 what\r\n\r\n")

    async with serving(noise) as server, serving(drop) as dropping:
        for url in (server.url, dropping.url, "http://no-such-host.invalid/", "ftp://a/"):
            failure: BaseException | None = await failure_of(client, url)
            assert failure is not None
            assert failure.__cause__ is None
            assert failure.__context__ is None
            assert TOKEN not in repr(failure) + str(failure)


async def test_closing_twice_and_using_it_again_is_fine(client: LeanClient) -> None:
    async with serving(ok) as server:
        await send(client, server.url)
        await client.close()
        await client.close()
        await send(client, server.url)
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 7 ", 7.0),
        ("1.5", 1.5),
        ("Mon, 02 Mar 2026 10:00:30 GMT", 30.0),
        ("Monday, 02-Mar-26 10:00:30 GMT", 30.0),
        ("Mon, 02 Mar 2026 10:00:30 -0000", 30.0),
        ("Mon, 02 Mar 2026 09:00:00 GMT", 0.0),
        ("99999999999999999999", 7 * 86400.0),
        ("Mon, 02 Mar 2076 10:00:00 GMT", 7 * 86400.0),
        ("", None),
        ("soon", None),
        ("-5", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(value: str, seconds: float | None) -> None:
    assert retry_after_seconds({"retry-after": value}, NOW) == seconds


def test_no_retry_after_is_none() -> None:
    assert retry_after_seconds({}, NOW) is None


@pytest.mark.parametrize(
    ("error", "doubt"),
    [
        (ServiceFailing(Service.GOOGLE, "timeout"), True),
        (ServiceFailing(Service.GOOGLE, "dropped"), True),
        (ServiceFailing(Service.GOOGLE, "connect_failed"), False),
        (ServiceFailing(Service.GOOGLE, "backendError", status=500), False),
        (ServiceFailing(Service.GOOGLE, "backendError", status=503), False),
        (ServiceFailing(Service.GOOGLE, "http_502", status=502), True),
        (ServiceFailing(Service.GOOGLE, "http_504", status=504), True),
        (Misconfigured(Service.GOOGLE, "invalid_request"), False),
    ],
)
def test_a_service_may_still_do_what_nobody_answered(error: CalendarError, doubt: bool) -> None:
    assert error.leaves_doubt is doubt
