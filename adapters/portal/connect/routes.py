"""Connecting a calendar: the button, the choice when another one is connected, and both services' callbacks."""

import logging

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from adapters.errors import CalendarError
from adapters.portal.connect import asking, disconnect, refusals
from adapters.portal.connect.finish import publish_grant
from adapters.portal.connect.grants import AskedFor, CalendarNotAllowed, NoRefreshToken, ServiceClient
from adapters.portal.services import Services, services_of
from adapters.portal.web.flows import Flow, FlowRefused, new_flow
from adapters.portal.web.guards import Endpoint, form_of, signed_in, signed_in_session
from adapters.portal.web.navigation import EXTERNAL
from adapters.portal.web.oauth import Refused, Unavailable, numbers_in
from adapters.portal.web.pages import pages_of
from adapters.portal.web.problems import NextStep, Problem
from adapters.portal.web.redirects import leave_for
from adapters.portal.web.sessions import box_of, session_of
from adapters.read_model.views import ConnectionView
from schemas.connections import ConnectionState, Service

__all__ = ["routes"]

log = logging.getLogger(__name__)


def routes() -> list[Route]:
    return [
        Route(f"{EXTERNAL}/connect", signed_in(_connect), methods=["POST"]),
        Route(f"{EXTERNAL}/switch", signed_in(_switch), methods=["GET"]),
        *disconnect.routes(),
        *asking.routes(),
        Route("/oauth/google/callback", _callback(Service.GOOGLE), methods=["GET"]),
        Route("/oauth/microsoft/callback", _callback(Service.MICROSOFT), methods=["GET"]),
    ]


async def _connect(request: Request) -> Response:
    services, session = services_of(request), signed_in_session(request)
    form = await form_of(request)
    client = _client(services, form.get("service", ""))
    connection = await services.deps.read_model.connection(session.provider_id)
    if _stands(connection) and form.get("switch") != "yes":
        return RedirectResponse(f"{EXTERNAL}/switch?service={client.service.value}", status_code=303)
    flow = new_flow(client.service.value, services.deps.clock(), sid=session.sid, consent_asked=not _token_held(connection, client))
    return await _send_out(request, client, flow, _asked_for(connection, client, flow))


async def _send_out(request: Request, client: ServiceClient, flow: Flow, asked: AskedFor) -> Response:
    url = await client.authorize_url(flow, asked)
    answer = leave_for(request, url, to=client.name)
    services_of(request).flows.begin(flow, answer, path=client.callback)
    return answer


def _asked_for(connection: ConnectionView | None, client: ServiceClient, flow: Flow) -> AskedFor:
    """A connection that needs reconnecting is offered its own account; otherwise the person chooses."""
    broken = connection is not None and connection.state is ConnectionState.NEEDS_RECONNECT and connection.service is client.service
    return AskedFor(hint=connection.email if broken and connection else None, choose=not broken, consent=flow.consent_asked)


def _stands(connection: ConnectionView | None) -> bool:
    return connection is not None and connection.state is ConnectionState.CONNECTED


def _token_held(connection: ConnectionView | None, client: ServiceClient) -> bool:
    return _stands(connection) and connection is not None and connection.service is client.service


async def _switch(request: Request) -> Response:
    services, session = services_of(request), signed_in_session(request)
    client = _client(services, request.query_params.get("service", ""))
    connection = await services.deps.read_model.connection(session.provider_id)
    if connection is None or not _stands(connection):
        return RedirectResponse(EXTERNAL, status_code=303)
    return pages_of(request).page(request, "switch.html", connection=connection, to=client.service.value, to_name=client.name)


def _callback(service: Service) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        services = services_of(request)
        client = _client(services, service.value)
        session = session_of(request)
        if session is None:
            raise refusals.signed_out()
        try:
            flow = services.flows.finish(request, service.value, sid=session.sid)
        except FlowRefused as refused:
            raise refusals.stale(client, refused) from refused
        answer = asking.take_answer(request) if flow.silent else await _redeem(request, client, flow)
        services.flows.forget(request, answer, path=client.callback)
        return answer

    return endpoint


async def _redeem(request: Request, client: ServiceClient, flow: Flow) -> Response:
    """The flow is this person's and unused. Whatever happens here, it ends in a connection or in a page that says why there is none."""
    error = request.query_params.get("error")
    if error is not None:
        return _refused(request, client, error, numbers_in(request.query_params.get("error_description", "")))
    try:
        granted = await client.grant(flow, request.query_params.get("code", ""))
    except Refused as refused:
        return _refused(request, client, refused.error, refused.numbers)
    except (Unavailable, CalendarError) as failure:
        log.error("a code could not be redeemed", extra={"service": client.service.value, "reason": str(failure)})
        raise refusals.failed(client) from failure
    except CalendarNotAllowed as incomplete:
        await _give_back(request, client, incomplete)
        raise refusals.unticked(client) from None
    except NoRefreshToken as known:
        return await _without_refresh_token(request, client, flow, known)
    await publish_grant(request, client, granted)
    answer = RedirectResponse(EXTERNAL, status_code=303)
    services_of(request).waiting.clear(request, answer)
    return answer


def _refused(request: Request, client: ServiceClient, error: str, numbers: frozenset[int]) -> Response:
    if client.service is Service.MICROSOFT and refusals.approval_needed(error, numbers):
        return asking.begin_waiting(request)
    problem = refusals.refused_by(client, error, numbers)
    log.info("not connected", extra={"service": client.service.value, "problem": problem.name, "numbers": sorted(numbers)})
    raise problem


async def _give_back(request: Request, client: ServiceClient, incomplete: CalendarNotAllowed) -> None:
    """Not when the same account is connected: revoking one grant of an account at Google ends them all."""
    connection = await services_of(request).deps.read_model.connection(signed_in_session(request).provider_id)
    in_use = _stands(connection) and connection is not None and connection.email.casefold() == incomplete.email.casefold()
    if not in_use:
        await client.give_back(incomplete.token)


async def _without_refresh_token(request: Request, client: ServiceClient, flow: Flow, known: NoRefreshToken) -> Response:
    """The service gave one before. Ours is in use: nothing to do. It is lost: ask once more, with the consent page."""
    services, session = services_of(request), signed_in_session(request)
    connection = await services.deps.read_model.connection(session.provider_id)
    if connection is not None and _token_held(connection, client) and connection.email.casefold() == known.email.casefold():
        box_of(request).change(notice="That account is connected already.")
        return RedirectResponse(EXTERNAL, status_code=303)
    if flow.consent_asked:
        raise refusals.failed(client)
    again = new_flow(flow.kind, services.deps.clock(), sid=session.sid, consent_asked=True)
    return await _send_out(request, client, again, AskedFor(consent=True, hint=known.email))


def _client(services: Services, name: str) -> ServiceClient:
    client = services.clients.get(name)
    if client is None:
        raise Problem(
            name="service_unknown",
            title="That calendar cannot be connected here",
            text="Your organization has not set this calendar service up. Nothing was changed.",
            status=404,
            steps=(NextStep(label="Back to your profile", href=EXTERNAL),),
        )
    return client
