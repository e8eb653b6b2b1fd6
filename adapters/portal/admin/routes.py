"""Administrators: the page that makes a tenant's admin-consent link, and where Microsoft leads back to after it."""

import logging

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adapters.portal.connect.approval import CALLBACK, PERMISSIONS, consent_link, valid_tenant
from adapters.portal.services import services_of
from adapters.portal.web.guards import administrators_only, form_of
from adapters.portal.web.oauth import numbers_in
from adapters.portal.web.pages import pages_of

__all__ = ["routes"]

log = logging.getLogger(__name__)

PATH = "/administration"


def routes() -> list[Route]:
    return [
        Route(PATH, administrators_only(_page), methods=["GET"]),
        Route(PATH, administrators_only(_make_link), methods=["POST"]),
        Route(CALLBACK, _came_back, methods=["GET"]),
    ]


async def _page(request: Request) -> Response:
    return _render(request)


async def _make_link(request: Request) -> Response:
    services = services_of(request)
    typed = (await form_of(request)).get("tenant", "")[:300]
    tenant = valid_tenant(typed)
    microsoft = services.deps.microsoft
    if tenant is None or microsoft is None:
        return _render(request, typed=typed, invalid=True)
    state = services.approvals.state(services.approvals.ticket())
    return _render(request, typed=typed, tenant=tenant, link=consent_link(microsoft, services.deps, tenant=tenant, state=state))


def _render(request: Request, *, typed: str = "", invalid: bool = False, tenant: str = "", link: str = "") -> Response:
    microsoft = services_of(request).deps.microsoft
    return pages_of(request).page(
        request,
        "administration.html",
        status=422 if invalid else 200,
        app_id=microsoft.client_id if microsoft else "",
        permissions=PERMISSIONS,
        typed=typed,
        invalid=invalid,
        tenant=tenant,
        link=link,
    )


async def _came_back(request: Request) -> Response:
    """Open to anybody: the administrator who approves may have no account here. Errors first: they carry `admin_consent=True` too.

    `tenant` is not read: it is whatever the address says, and nothing here depends on it.
    """
    approvals, query = services_of(request).approvals, request.query_params
    ticket = approvals.read(query.get("state", ""))
    if "error" in query:
        numbers = numbers_in(query.get("error_description", ""))
        log.info("admin consent was not given", extra={"numbers": sorted(numbers)})
        return _outcome(request, "declined" if query["error"] == "access_denied" or 65004 in numbers else "failed", 200)
    if ticket is None:
        return _outcome(request, "unknown", 400)
    if query.get("admin_consent", "").casefold() != "true":
        return _outcome(request, "failed", 400)
    approvals.give(ticket)
    return _outcome(request, "given", 200)


def _outcome(request: Request, outcome: str, status: int) -> Response:
    return pages_of(request).page(request, "admin_consent.html", status=status, outcome=outcome)
