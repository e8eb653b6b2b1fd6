from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adapters.portal.web.guards import signed_in
from adapters.portal.web.pages import pages_of


async def _external(request: Request) -> Response:
    return pages_of(request).page(request, "signed_out.html")


def routes() -> list[Route]:
    return [Route("/account/profile/external", signed_in(_external), methods=["GET"])]
