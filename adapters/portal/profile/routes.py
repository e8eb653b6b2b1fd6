"""Account > Profile: PROFILE, PASSWORD and MFA live in the identity provider; EXTERNAL is ours, and keeps itself current."""

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from adapters.portal.connect.asking import approval_of, is_due
from adapters.portal.connect.waiting import OPENED, STAYS_OPEN
from adapters.portal.profile.external import ExternalView, external_view, is_settled
from adapters.portal.services import services_of
from adapters.portal.web.guards import Endpoint, signed_in, signed_in_session
from adapters.portal.web.navigation import EXTERNAL
from adapters.portal.web.pages import pages_of
from adapters.portal.web.sessions import box_of

__all__ = ["routes"]

#: What each of the other tabs is for.
_ELSEWHERE = {
    "profile": ("Profile", "Your name and e-mail address"),
    "password": ("Password", "Your password"),
    "mfa": ("MFA", "The second step of your sign-in"),
}


def routes() -> list[Route]:
    return [
        Route("/account", _to_profile, methods=["GET"]),
        Route("/account/profile", signed_in(_elsewhere("profile")), methods=["GET"]),
        Route("/account/profile/password", signed_in(_elsewhere("password")), methods=["GET"]),
        Route("/account/profile/mfa", signed_in(_elsewhere("mfa")), methods=["GET"]),
        Route(EXTERNAL, signed_in(_external), methods=["GET"]),
        Route("/live/external", signed_in(_live), methods=["GET"]),
    ]


async def _to_profile(_request: Request) -> Response:
    return RedirectResponse("/account/profile", status_code=303)


def _elsewhere(tab: str) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        oidc = services_of(request).deps.oidc
        title, what = _ELSEWHERE[tab]
        return pages_of(request).page(
            request, "elsewhere.html", tab=tab, heading=title, what=what, name=oidc.name, url=oidc.account_url or oidc.issuer
        )

    return endpoint


async def _external(request: Request) -> Response:
    deps = services_of(request).deps
    view = await _view(request)
    answer = pages_of(request).page(
        request,
        "external.html",
        tab="external",
        view=view,
        ask=view.settled and is_due(request, after=OPENED),
        services=list(services_of(request).clients),
        identity_provider=deps.oidc.name,
    )
    session = signed_in_session(request)
    if session.notice is not None or (session.awaited is not None and not view.awaiting):
        box_of(request).change(notice=None, awaited=session.awaited if view.awaiting else None)
    return answer


async def _live(request: Request) -> Response:
    """Changes no session: its answer may arrive after that of a form, and would bring the older session back."""
    view = await _view(request)
    settled = view.settled and view.approval not in ("waiting", "unclear")
    return JSONResponse({"version": view.version, "settled": settled, "ask": view.settled and is_due(request, after=STAYS_OPEN)})


async def _view(request: Request) -> ExternalView:
    services, session = services_of(request), signed_in_session(request)
    deps, now = services.deps, services.deps.clock()
    connection, summary = await deps.read_model.calendar(session.provider_id)
    awaited = session.awaited
    if awaited is not None and is_settled(awaited, connection, now):
        awaited = None
    return external_view(connection, summary, awaited, now, approval=approval_of(request))
