"""/signin, its callback, /signout and /signed-out."""

import logging
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from adapters.portal.deps import OidcSettings
from adapters.portal.services import services_of
from adapters.portal.signin.issuer import NotProven
from adapters.portal.web.flows import FlowRefused, new_flow
from adapters.portal.web.guards import form_of, signed_in, signed_in_session
from adapters.portal.web.oauth import Refused, Unavailable
from adapters.portal.web.pages import pages_of
from adapters.portal.web.problems import NextStep, Problem
from adapters.portal.web.redirects import leave_for, safe_next
from adapters.portal.web.sessions import box_of, new_session, session_of
from schemas.events import Identifier

__all__ = ["routes"]

log = logging.getLogger(__name__)

_CALLBACK = "/signin/callback"
_AGAIN = (NextStep(label="Sign in", href="/signin"),)


def routes() -> list[Route]:
    return [
        Route("/signin", _signin, methods=["GET"]),
        Route(_CALLBACK, _callback, methods=["GET"]),
        Route("/signout", signed_in(_signout), methods=["POST"]),
        Route("/signed-out", _signed_out, methods=["GET"]),
    ]


async def _signin(request: Request) -> Response:
    services = services_of(request)
    onward = safe_next(request.query_params.get("next"))
    if session_of(request) is not None:
        return RedirectResponse(onward, status_code=303)
    flow = new_flow("signin", services.deps.clock(), next=onward)
    try:
        url = await services.issuer.signin_url(flow)
    except Unavailable as error:
        raise _unavailable(error) from error
    answer = RedirectResponse(url, status_code=303)
    services.flows.begin(flow, answer, path=_CALLBACK)
    return answer


async def _callback(request: Request) -> Response:
    services = services_of(request)
    try:
        flow = services.flows.finish(request, "signin")
    except FlowRefused as refused:
        if session_of(request) is not None:  # a second tab, the back button: signed in already
            return RedirectResponse("/", status_code=303)
        raise _stale(refused) from refused
    if "error" in request.query_params:
        raise _refused()
    try:
        claims = await services.issuer.claims(flow, request.query_params.get("code", ""))
    except Unavailable as error:
        raise _unavailable(error) from error
    except (Refused, NotProven) as error:
        log.warning("a sign-in was refused", extra={"reason": str(error)})
        raise _refused() from error
    _sign_in(request, claims)
    answer = RedirectResponse(safe_next(flow.next), status_code=303)
    services.flows.forget(request, answer, path=_CALLBACK)
    return answer


def _sign_in(request: Request, claims: dict[str, Any]) -> None:
    deps = services_of(request).deps
    try:
        provider_id = msgspec.convert(claims.get(deps.oidc.provider_claim), Identifier)
    except msgspec.ValidationError:
        log.error("the provider claim is missing or not an id", extra={"claim": deps.oidc.provider_claim})
        raise Problem(
            name="no_provider_id",
            title="Your account is not set up yet",
            text="You signed in, but your account is not linked to a provider. Please ask your administrator.",
            status=403,
            steps=_AGAIN,
        ) from None
    box_of(request).session = new_session(
        provider_id=provider_id,
        user_id=str(claims["sub"])[:128],
        name=_name(claims),
        administrator=not _roles(claims, deps.oidc).isdisjoint(deps.oidc.administrator_roles),
        now=deps.clock(),
    )


def _name(claims: dict[str, Any]) -> str:
    names = (claims.get(claim) for claim in ("name", "email", "cognito:username", "sub"))
    return next((name for name in names if isinstance(name, str) and name.strip()), "Provider").strip()[:80]


def _roles(claims: dict[str, Any], settings: OidcSettings) -> frozenset[str]:
    """A list, or text with spaces or commas between."""
    value = claims.get(settings.roles_claim, ())
    roles = value.replace(",", " ").split() if isinstance(value, str) else value if isinstance(value, list) else ()
    return frozenset(role.casefold() for role in roles if isinstance(role, str))


async def _signout(request: Request) -> Response:
    services = services_of(request)
    await form_of(request)
    services.ended_sessions.use(signed_in_session(request).sid)
    box_of(request).session = None
    try:
        url = await services.issuer.signout_url()
    except Unavailable as error:
        log.warning("signed out here only: the issuer is not reachable", extra={"reason": str(error)})
        url = None
    return leave_for(request, url, to="your identity provider") if url else RedirectResponse("/signed-out", status_code=303)


async def _signed_out(request: Request) -> Response:
    return pages_of(request).page(request, "signed_out.html")


def _stale(refused: FlowRefused) -> Problem:
    text = {
        "expired": "The sign-in page was open for too long.",
        "used": "This sign-in was finished already, in another tab or before you went back.",
    }.get(refused.why, "This sign-in was not started in this browser, or too long ago.")
    return Problem(name=f"signin_{refused.why}", title="Please sign in again", text=text, steps=_AGAIN)


def _refused() -> Problem:
    return Problem(
        name="signin_refused",
        title="You were not signed in",
        text="Your identity provider did not confirm the sign-in. You can try again; nothing was changed.",
        status=403,
        steps=_AGAIN,
    )


def _unavailable(error: Unavailable) -> Problem:
    log.error("the identity provider cannot be used", extra={"reason": str(error)})
    return Problem(
        name="issuer_unavailable",
        title="Signing in does not work right now",
        text="The identity provider does not answer. Please try again in a moment.",
        status=503,
        steps=(NextStep(label="Try again", href="/signin"),),
    )
