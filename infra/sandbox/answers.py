"""What a vendor's operation answers, before it becomes an HTTP response."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from aiohttp import web

__all__ = ["NO_HEADERS", "Answer", "Refusal", "json_answer", "to_response"]

NO_HEADERS: Mapping[str, str] = {}
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """`event_id`: the event it is about, for the journal. `notifications`: invitations and updates that went out to attendees."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    event_id: str | None = None
    notifications: int = 0
    content_type: str = "application/json"


class Refusal(Exception):
    """The vendor refuses; `answer` says how. Raised by the rules, caught by the gate."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def json_answer(
    status: int,
    body: Any,
    *,
    headers: Mapping[str, str] = NO_HEADERS,
    event_id: str | None = None,
    notifications: int = 0,
) -> Answer:
    return Answer(status=status, body=_encode(body), headers=headers, event_id=event_id, notifications=notifications)


def to_response(answer: Answer) -> web.Response:
    if not answer.body:
        return web.Response(status=answer.status, headers=answer.headers)
    return web.Response(status=answer.status, body=answer.body, headers=answer.headers, content_type=answer.content_type, charset="utf-8")
