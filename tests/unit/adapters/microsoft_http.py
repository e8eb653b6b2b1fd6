"""A LeanClient that answers from a script, and Graph's answers as it writes them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from adapters.errors import CalendarError
from adapters.http import HttpAnswer, LeanClient
from schemas.connections import Service

__all__ = ["ScriptedClient", "Sent", "answer", "odata_error"]


@dataclass(frozen=True, kw_only=True)
class Sent:
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None

    @property
    def json(self) -> Any:
        return json.loads(self.body or b"null")


@dataclass
class Script:
    answers: list[HttpAnswer | CalendarError] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)


class ScriptedClient(LeanClient):
    """Gives the answers in turn; a request beyond the script fails the test."""

    def __init__(self, *answers: HttpAnswer | CalendarError) -> None:
        super().__init__(timeout=timedelta(seconds=1))
        self.script = Script(list(answers))

    @property
    def sent(self) -> list[Sent]:
        return self.script.sent

    async def send(self, service: Service, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None) -> HttpAnswer:
        assert service is Service.MICROSOFT
        self.script.sent.append(Sent(method=method, url=url, headers=headers, body=body))
        next_answer = self.script.answers.pop(0)
        if isinstance(next_answer, CalendarError):
            raise next_answer
        return next_answer


def answer(status: int, body: object = None, **headers: str) -> HttpAnswer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpAnswer(status=status, headers=named, body=body if isinstance(body, bytes) else json.dumps(body).encode())


def odata_error(status: int, code: str, **headers: str) -> HttpAnswer:
    inner = {"date": "2026-03-02T10:00:00", "request-id": "3f0c4e2a-0000-4000-8000-000000000001", "client-request-id": "c"}
    return answer(status, {"error": {"code": code, "message": "Yoga with Ada: the secret", "innerError": inner}}, **headers)
