"""A sender that is told what to answer."""

import json
from collections.abc import Mapping
from datetime import timedelta

from adapters.http import HttpAnswer, LeanClient
from schemas.connections import Service


class Sender(LeanClient):
    """Answers what it was told, in order, and keeps what was sent."""

    def __init__(self, *answers: tuple[int, object]) -> None:
        super().__init__(timeout=timedelta(seconds=1))
        self.answers = list(answers)
        self.sent: list[tuple[str, str, Mapping[str, str], bytes | None]] = []

    async def send(self, service: Service, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None) -> HttpAnswer:
        assert service is Service.GOOGLE
        self.sent.append((method, url, headers, body))
        status, content = self.answers.pop(0)
        return HttpAnswer(status=status, headers={}, body=content if isinstance(content, bytes) else json.dumps(content).encode())
