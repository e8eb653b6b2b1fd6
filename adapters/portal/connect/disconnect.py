"""Disconnecting: leave the upcoming events where they are, or have them removed first. The worker does the rest and forgets the tokens."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from adapters.portal.connect.finish import not_published
from adapters.portal.ports import PublishFailed
from adapters.portal.services import services_of
from adapters.portal.web.guards import form_of, signed_in, signed_in_session
from adapters.portal.web.navigation import EXTERNAL
from adapters.portal.web.pages import pages_of
from adapters.portal.web.problems import NextStep, Problem
from adapters.portal.web.sessions import Awaited, box_of
from adapters.read_model.views import ConnectionView
from schemas.connections import ConnectionRevoked, ConnectionState

__all__ = ["routes"]

_IN_FORCE = (ConnectionState.CONNECTED, ConnectionState.NEEDS_RECONNECT)


def routes() -> list[Route]:
    path = f"{EXTERNAL}/disconnect"
    return [
        Route(path, signed_in(_ask), methods=["GET"]),
        Route(path, signed_in(_disconnect), methods=["POST"]),
    ]


async def _ask(request: Request) -> Response:
    deps, session = services_of(request).deps, signed_in_session(request)
    connection, summary = await deps.read_model.calendar(session.provider_id)
    if connection is None or connection.state not in _IN_FORCE:
        return RedirectResponse(EXTERNAL, status_code=303)
    usable = connection.state is ConnectionState.CONNECTED
    return pages_of(request).page(request, "disconnect.html", connection=connection, summary=summary, usable=usable)


async def _disconnect(request: Request) -> Response:
    deps, session = services_of(request).deps, signed_in_session(request)
    form = await form_of(request)
    events = form.get("events")
    if events not in ("leave", "remove"):
        return RedirectResponse(f"{EXTERNAL}/disconnect", status_code=303)
    connection = await deps.read_model.connection(session.provider_id)
    if connection is None or connection.state not in _IN_FORCE:
        return RedirectResponse(EXTERNAL, status_code=303)
    if connection.grant_id != form.get("grant_id"):
        raise _changed()
    remove = events == "remove" and connection.state is ConnectionState.CONNECTED
    await _publish(request, connection, remove=remove)
    return RedirectResponse(EXTERNAL, status_code=303)


async def _publish(request: Request, connection: ConnectionView, *, remove: bool) -> None:
    deps, now = services_of(request).deps, services_of(request).deps.clock()
    standing = (await deps.read_model.calendar_summary(connection.provider_id)).standing if remove else 0
    event = ConnectionRevoked(provider_id=connection.provider_id, grant_id=connection.grant_id, revoked_at=now, remove_events=remove)
    try:
        await deps.publisher.revoked(event)
    except PublishFailed as error:
        raise not_published() from error
    awaited = Awaited(
        what="removing" if remove else "disconnecting",
        grant_id=connection.grant_id,
        service=connection.service.value,
        email=connection.email,
        since=now,
        standing=standing,
    )
    box_of(request).change(awaited=awaited)


def _changed() -> Problem:
    return Problem(
        name="connection_changed",
        title="Your connection has changed meanwhile",
        text="It was connected anew, in another tab perhaps. Nothing was disconnected. Please look at it again.",
        status=409,
        steps=(NextStep(label="Back to your profile", href=EXTERNAL),),
    )
