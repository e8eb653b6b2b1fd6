"""Asking Microsoft in the waiting person's browser whether consent is there, and what the approval page shows meanwhile."""

from datetime import timedelta

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from adapters.portal.connect.approval import ANY_ORGANIZATION, Ticket, consent_link
from adapters.portal.connect.grants import AskedFor
from adapters.portal.connect.waiting import Waiting, heard
from adapters.portal.services import services_of
from adapters.portal.web.flows import new_flow
from adapters.portal.web.guards import signed_in, signed_in_session
from adapters.portal.web.navigation import EXTERNAL
from adapters.portal.web.oauth import numbers_in
from adapters.portal.web.pages import pages_of

__all__ = ["approval_of", "begin_waiting", "is_due", "routes", "take_answer"]

_PAGE = f"{EXTERNAL}/approval"


def routes() -> list[Route]:
    return [
        Route(_PAGE, signed_in(_page), methods=["GET"]),
        Route(f"{_PAGE}/ask", signed_in(_ask), methods=["GET"]),
    ]


def approval_of(request: Request) -> str:
    """Empty for somebody who does not wait; `waiting`; `unclear` when Microsoft cannot be asked in this browser; or `given`."""
    services = services_of(request)
    waiting = services.waiting.read(request)
    if waiting is None:
        return ""
    if waiting.given or services.approvals.is_given(waiting.ticket):
        return "given"
    return "waiting" if waiting.asks else "unclear"


def is_due(request: Request, *, after: timedelta) -> bool:
    """Whether the browser shall ask now; `after`: as long as that after it last asked."""
    services = services_of(request)
    waiting = services.waiting.read(request)
    return waiting is not None and waiting.is_due(services.deps.clock(), after=after) and not services.approvals.is_given(waiting.ticket)


def begin_waiting(request: Request) -> Response:
    """To the page with the next step. Who was told that it is allowed, and was refused now, waits anew, with a link of its own."""
    answer = RedirectResponse(_PAGE, status_code=303)
    if approval_of(request) == "given":
        services_of(request).waiting.clear(request, answer)
    return answer


async def _page(request: Request) -> Response:
    """The next step for somebody whose administrator has to allow the application first. The link stays the same while they wait."""
    services = services_of(request)
    microsoft = services.deps.microsoft
    if microsoft is None:
        return RedirectResponse(EXTERNAL, status_code=303)
    known = services.waiting.read(request)
    ticket = Ticket(id=known.ticket, made_at=known.since) if known else services.approvals.ticket()
    link = consent_link(microsoft, services.deps, tenant=ANY_ORGANIZATION, state=services.approvals.state(ticket))
    given = approval_of(request) == "given"
    answer = pages_of(request).page(request, "approval.html", link=link, given=given, app_id=microsoft.client_id)
    if known is None:
        provider_id = signed_in_session(request).provider_id
        services.waiting.write(answer, Waiting(provider_id=provider_id, ticket=ticket.id, since=ticket.made_at, asked_at=ticket.made_at))
    return answer


async def _ask(request: Request) -> Response:
    """Out to Microsoft, which shows no page and leads back at once. A link of ours led here, so a redirect will do."""
    services, session = services_of(request), signed_in_session(request)
    client, waiting = services.clients.get("microsoft"), services.waiting.read(request)
    if client is None or waiting is None or waiting.given:
        return RedirectResponse(EXTERNAL, status_code=303)
    now = services.deps.clock()
    flow = new_flow(client.service.value, now, sid=session.sid, silent=True)
    answer = RedirectResponse(await client.authorize_url(flow, AskedFor(silent=True)), status_code=303)
    services.flows.begin(flow, answer, path=client.callback)
    services.waiting.write(answer, msgspec.structs.replace(waiting, asked_at=now))
    return answer


def take_answer(request: Request) -> Response:
    """Of a silent flow, at the callback. A code is left to expire: whoever presses the button gets another."""
    services, answer = services_of(request), RedirectResponse(EXTERNAL, status_code=303)
    waiting = services.waiting.read(request)
    if waiting is not None:
        numbers = numbers_in(request.query_params.get("error_description", ""))
        services.waiting.write(answer, heard(waiting, request.query_params.get("error"), numbers))
    return answer
