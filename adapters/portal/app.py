"""The portal as a Starlette application: routes of its parts, and the layers that every request goes through."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from adapters.portal.admin import routes as admin
from adapters.portal.classes import routes as classes
from adapters.portal.connect import routes as connect
from adapters.portal.deps import PortalDeps
from adapters.portal.profile import routes as profile
from adapters.portal.services import Services
from adapters.portal.signin import routes as signin
from adapters.portal.web.files import static_files
from adapters.portal.web.headers import SecurityHeadersMiddleware
from adapters.portal.web.navigation import EXTERNAL
from adapters.portal.web.pages import Pages
from adapters.portal.web.problems import Problem, answer_http_error, answer_no_read_model, answer_problem
from adapters.portal.web.sessions import SessionMiddleware
from adapters.portal.web.unexpected import UnexpectedMiddleware

__all__ = ["create_portal"]


def create_portal(deps: PortalDeps) -> Starlette:
    """Holds no connection open before its first request; the lifespan closes what was opened."""
    services = Services(deps)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        await services.close()

    app = Starlette(
        routes=_routes(),
        lifespan=lifespan,
        middleware=[
            Middleware(SecurityHeadersMiddleware, secure=deps.secure),
            Middleware(SessionMiddleware, deps=deps, sealer=services.sealer, ended=services.ended_sessions),
            Middleware(UnexpectedMiddleware),
        ],
        exception_handlers={
            Problem: answer_problem,
            HTTPException: answer_http_error,
            SQLAlchemyError: answer_no_read_model,
        },
    )
    app.state.deps = deps
    app.state.services = services
    app.state.pages = Pages(deps.clock)
    return app


def _routes() -> Sequence[BaseRoute]:
    return (
        Route("/", _start, methods=["GET"]),
        Route("/healthz", _health, methods=["GET"]),
        *signin.routes(),
        *profile.routes(),
        *connect.routes(),
        *admin.routes(),
        *classes.routes(),
        static_files(),
    )


async def _start(_request: Request) -> Response:
    return RedirectResponse(EXTERNAL, status_code=303)


async def _health(_request: Request) -> Response:
    return JSONResponse({"status": "ok"})
