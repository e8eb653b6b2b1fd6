"""Every way in which a page can fail, as a friendly page: what happened, and the next step. Raised by endpoints, answered in one place."""

import logging
from dataclasses import dataclass, field

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from adapters.portal.web.pages import pages_of
from adapters.portal.web.sessions import BACKGROUND

__all__ = ["NextStep", "Problem", "answer_http_error", "answer_no_read_model", "answer_problem"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class NextStep:
    """A button. `href`: a link on this portal, or `connect`: the service to connect, in a form of its own."""

    label: str
    href: str | None = None
    connect: str | None = None


@dataclass(kw_only=True)
class Problem(Exception):
    """`title` and `text` are for a person: no code, no token, nothing quoted from outside. `name`: a stable word for scripts and tests."""

    name: str
    title: str
    text: str
    status: int = 400
    steps: tuple[NextStep, ...] = field(default=())

    def __str__(self) -> str:
        return self.name


async def answer_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)  # noqa: S101 - registered for this class
    if request.url.path.startswith(BACKGROUND):
        return JSONResponse({"error": error.name}, status_code=error.status)
    return pages_of(request).page(request, "problem.html", status=error.status, problem=error)


async def answer_http_error(request: Request, error: Exception) -> Response:
    """Starlette's own errors: no such page, wrong method."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class
    title, text = _HTTP.get(error.status_code, _HTTP[400])
    problem = Problem(
        name=f"http_{error.status_code}",
        title=title,
        text=text,
        status=error.status_code,
        steps=(NextStep(label="Go to the start", href="/"),),
    )
    answer = await answer_problem(request, problem)
    answer.headers.update(error.headers or {})
    return answer


async def answer_no_read_model(request: Request, error: Exception) -> Response:
    """The read model's database is away, or not made yet."""
    log.error("the read model cannot be read", extra={"error": type(error).__name__})
    problem = Problem(
        name="read_model_unavailable",
        title="We cannot show this right now",
        text="The overview of classes is being prepared. Your calendar is kept up to date meanwhile. Please try again in a moment.",
        status=503,
        steps=(NextStep(label="Try again", href=request.url.path if request.method == "GET" else "/"),),
    )
    return await answer_problem(request, problem)


_HTTP = {
    400: ("We could not read that request", "Something in the address or the form was not as expected. Go back and try again."),
    404: ("There is nothing here", "The page does not exist, or it is not yours to see."),
    405: ("That does not work here", "This address is not meant to be opened that way."),
    413: ("That is too much", "The form held more than this page takes."),
}
