"""The people of the portal's bench: each answer is looked at."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from tests.bench.portal_load import LoadReport, Order, Reader, run

READERS = [Reader(cookie=f"session={name}", expects=f"{name}@impact.example") for name in ("ana", "bob")]


@asynccontextmanager
async def portal(answer: Callable[[str], bytes]) -> AsyncIterator[int]:
    """Its port. `answer`: from a request to the bytes that go back."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while request := await reader.readuntil(b"\r\n\r\n"):
            writer.write(answer(request.decode()))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def page(text: str, status: str = "200 OK") -> bytes:
    body = text.encode()
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


async def load(answer: Callable[[str], bytes], pause: float) -> LoadReport:
    async with portal(answer) as port:
        return await run(Order(host="127.0.0.1", port=port, path="/page", readers=READERS, requests=3, pause=pause))


@pytest.mark.parametrize("pause", [0.0, 0.01])
async def test_each_person_gets_their_own_page_each_time(pause: float) -> None:
    asked: list[str] = []

    def answer(request: str) -> bytes:
        asked.append(request)
        return page(request.rpartition("session=")[2].split()[0] + "@impact.example")

    report = await load(answer, pause)
    assert (len(report.latencies), report.wrong) == (6, [])
    assert report.seconds > 0
    assert len([request for request in asked if request.startswith("GET /page HTTP/1.1") and "session=ana" in request]) == 3


@pytest.mark.parametrize("answer", [page("ana@impact.example"), page("bob@impact.example ana@impact.example", "503 Later")])
async def test_an_answer_that_is_another_persons_or_an_error_is_told(answer: bytes) -> None:
    report = await load(lambda _request: answer, 0.0)
    assert report.wrong
