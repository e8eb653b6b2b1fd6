"""Guards around endpoints: signed in, administrator, and a form that really comes from one of our pages."""

import hmac
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl, quote

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from adapters.portal.web.navigation import EXTERNAL
from adapters.portal.web.problems import NextStep, Problem
from adapters.portal.web.sessions import BACKGROUND, Session, session_of

__all__ = ["Endpoint", "administrators_only", "form_of", "here", "signed_in", "signed_in_session"]

Endpoint = Callable[[Request], Awaitable[Response]]

#: No form of this portal comes near it.
_MOST_FORM_BYTES = 16 * 1024


def signed_in(endpoint: Endpoint) -> Endpoint:
    """Others are sent to sign in and come back (GET), or are told so (background calls: 401; forms: a page)."""

    async def guarded(request: Request) -> Response:
        if session_of(request) is not None:
            return await endpoint(request)
        if request.url.path.startswith(BACKGROUND):
            return JSONResponse({"error": "signed_out"}, status_code=401)
        if request.method in ("GET", "HEAD"):
            return RedirectResponse(f"/signin?next={quote(here(request), safe='')}", status_code=303)
        raise Problem(
            name="signed_out",
            title="You were signed out",
            text="Your session ended before the form was sent. Nothing was changed.",
            status=401,
            steps=(NextStep(label="Sign in", href="/signin"),),
        )

    return guarded


def administrators_only(endpoint: Endpoint) -> Endpoint:
    """403 for everybody else."""

    async def guarded(request: Request) -> Response:
        if not signed_in_session(request).administrator:
            raise Problem(
                name="not_an_administrator",
                title="This page is for administrators",
                text="Your account does not have the role that this page needs.",
                status=403,
                steps=(NextStep(label="Go to the start", href="/"),),
            )
        return await endpoint(request)

    return signed_in(guarded)


def signed_in_session(request: Request) -> Session:
    """The session behind `signed_in`."""
    session = session_of(request)
    if session is None:
        raise RuntimeError("this endpoint is not guarded by signed_in")
    return session


def here(request: Request) -> str:
    """Path and query of this request."""
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form of this very session. Raises Problem for any other: a forged one, one too large, one of another type."""
    session = signed_in_session(request)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        raise _unreadable(415)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_FORM_BYTES:
            raise _unreadable(413)
    try:
        fields = dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=50))
    except ValueError:
        raise _unreadable(400) from None
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none") or not _same(
        fields.get("csrf", ""), session.csrf
    ):
        raise Problem(
            name="csrf",
            title="That form was out of date",
            text="It did not come from your present session, so nothing was changed. Open the page again and repeat what you did.",
            status=403,
            steps=(NextStep(label="Go to your profile", href=EXTERNAL),),
        )
    return fields


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())


def _unreadable(status: int) -> Problem:
    return Problem(
        name="unreadable_form",
        title="We could not read that form",
        text="Nothing was changed. Go back and try again.",
        status=status,
        steps=(NextStep(label="Go to the start", href="/"),),
    )
