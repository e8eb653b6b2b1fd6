"""Google Calendar and Microsoft Graph as a stub: the right answer to insert, patch and delete after a latency, and a list of the calls.

It believes everything that it is told; whether our requests are right is for the sandbox to say. A token is `access-` and the refresh
token, so that a call tells whose mailbox it is for.
"""

import time
from typing import Any
from urllib.parse import parse_qs

import msgspec

from tests.bench.stub.http import Answer, Request

__all__ = ["Call", "Report", "Stub"]


class Call(msgspec.Struct, array_like=True):
    """`at`: time.monotonic(), which all processes of a machine share. `body` is what was sent."""

    at: float
    method: str
    mailbox: str
    remote_id: str
    body: msgspec.Raw


class Report(msgspec.Struct):
    """What was called since the last report. `most_at_once`: calls of one mailbox under way at the same time."""

    calls: list[Call]
    refreshes: int
    most_at_once: int


_NOTHING = msgspec.Raw(b"null")


class Stub:
    """`latency` in seconds, of every call but the bench's own."""

    def __init__(self, latency: float) -> None:
        self._latency = latency
        self._standing: set[str] = set()
        self._running: dict[str, int] = {}
        self._made = 0
        self._report = Report(calls=[], refreshes=0, most_at_once=0)

    def __call__(self, request: Request) -> Answer:
        path = request.path
        if "/events" in path:
            return self._event(request, path.rpartition("/events")[2].lstrip("/"), google="/calendar/v3/" in path)
        if path.endswith("/token"):
            return self._token(request)
        if path == "/bench/report":
            report, self._report = self._report, Report(calls=[], refreshes=0, most_at_once=0)
            return Answer(200, msgspec.json.encode(report))
        return Answer(404, b"{}")

    def _token(self, request: Request) -> Answer:
        refresh_token = parse_qs(request.body.decode())["refresh_token"][0]
        self._report.refreshes += 1
        answer: dict[str, Any] = {"access_token": f"access-{refresh_token}", "expires_in": 3600, "token_type": "Bearer"}
        return Answer(200, msgspec.json.encode(answer), self._latency)

    def _event(self, request: Request, remote_id: str, google: bool) -> Answer:
        mailbox, method = request.bearer.removeprefix("access-"), request.method
        match method:
            case "POST" if google:
                remote_id = msgspec.json.decode(request.body, type=_Given).id
                status, answer = 200, request.body[:-1] + b',"status":"confirmed"}'
                if remote_id in self._standing:
                    status, answer = 409, b'{"error":{"code":409,"errors":[{"reason":"duplicate"}]}}'
            case "POST":
                self._made += 1
                remote_id = f"AAMk{self._made:08d}"
                status, answer = 201, b'{"id":"%b"}' % remote_id.encode()
            case "PATCH" if remote_id in self._standing:
                status, answer = 200, b'{"id":"%b","status":"confirmed",' % remote_id.encode() + request.body[1:]
            case "DELETE" if remote_id in self._standing:
                status, answer = 204, b""
            case _:
                status, answer = (200, b'{"value":[],"items":[]}') if method == "GET" and not remote_id else (404, _NOT_FOUND)
        if status < 300 and method != "GET":
            self._standing.discard(remote_id) if method == "DELETE" else self._standing.add(remote_id)
        return self._counted(request, mailbox, remote_id, status, answer)

    def _counted(self, request: Request, mailbox: str, remote_id: str, status: int, answer: bytes) -> Answer:
        running = self._running[mailbox] = self._running.get(mailbox, 0) + 1
        report = self._report
        report.most_at_once = max(report.most_at_once, running)
        body = msgspec.Raw(request.body) if request.body else _NOTHING
        report.calls.append(Call(time.monotonic(), request.method, mailbox, remote_id, body))

        def ended() -> None:
            self._running[mailbox] -= 1

        return Answer(status, answer, self._latency, ended)


class _Given(msgspec.Struct):
    id: str


_NOT_FOUND = b'{"error":{"code":404,"message":"not found","errors":[{"reason":"notFound"}]}}'
