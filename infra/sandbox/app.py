"""The sandbox's web application: both services, the sign-in provider, the control interface and the pages, on one port."""

from aiohttp import web

from infra.sandbox.config import SandboxConfig
from infra.sandbox.control import accounts, calendars, faults, grants, observe, people
from infra.sandbox.google import authorize as google_authorize
from infra.sandbox.google import routes as google_calendar
from infra.sandbox.google import tokens as google_tokens
from infra.sandbox.google.discovery import checker
from infra.sandbox.microsoft import admin_consent
from infra.sandbox.microsoft import authorize as microsoft_authorize
from infra.sandbox.microsoft import discovery as microsoft_discovery
from infra.sandbox.microsoft import routes as graph
from infra.sandbox.microsoft import tokens as microsoft_tokens
from infra.sandbox.microsoft.model import check_event
from infra.sandbox.oidc import account as oidc_account
from infra.sandbox.oidc import authorize as oidc_authorize
from infra.sandbox.oidc import discovery as oidc_discovery
from infra.sandbox.oidc import tokens as oidc_tokens
from infra.sandbox.pages import routes as pages_routes
from infra.sandbox.world import WORLD, World

__all__ = ["create_app"]

_GOOGLE = (google_calendar, google_authorize, google_tokens)
_MICROSOFT = (graph, microsoft_discovery, microsoft_authorize, admin_consent, microsoft_tokens)
_OIDC = (oidc_discovery, oidc_authorize, oidc_tokens, oidc_account)
_CONTROL = (grants, people, accounts, faults, calendars, observe)
_PARTS = (*_GOOGLE, *_MICROSOFT, *_OIDC, *_CONTROL, pages_routes)


def create_app(config: SandboxConfig | None = None) -> web.Application:
    """A sandbox of its own: two applications share nothing."""
    warm_up()
    app = web.Application()
    app[WORLD] = World(config or SandboxConfig())
    for part in _PARTS:
        app.router.add_routes(part.routes())
    return app


def warm_up() -> None:
    """Compile the vendors' schemas now (0.5 s once a process), so that the first request is as fast as the others."""
    checker("Event"), checker("Events")
    moment = {"dateTime": "", "timeZone": ""}
    extended = [{"id": "", "value": ""}]
    check_event(
        {"start": moment, "end": moment, "body": {"contentType": "text"}, "location": {}, "singleValueExtendedProperties": extended}
    )
