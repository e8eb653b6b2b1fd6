"""What nobody foresaw: logged once with its traceback (which never shows local variables), answered with a page that says nothing of it."""

import logging

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adapters.portal.web.problems import NextStep, Problem, answer_problem

__all__ = ["UnexpectedMiddleware"]

log = logging.getLogger(__name__)


class UnexpectedMiddleware:
    """Inside of the layers that set headers and cookies, so that this page has them too."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except Exception:
            log.exception("a page failed", extra={"path": scope["path"], "method": scope["method"]})
            if started:
                raise
            answer = await answer_problem(Request(scope, receive), _problem())
            await answer(scope, receive, send)


def _problem() -> Problem:
    return Problem(
        name="unexpected",
        title="Something went wrong on our side",
        text="Please try again in a moment. If it keeps happening, tell your administrator what time it was.",
        status=500,
        steps=(NextStep(label="Go to the start", href="/"),),
    )
