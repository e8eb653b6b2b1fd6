"""Reading a body that should be a form."""

from typing import Any

from aiohttp import web
from multidict import MultiMapping

__all__ = ["read_form"]


async def read_form(request: web.Request) -> MultiMapping[Any]:
    """Empty for a body of another kind. Raises HTTPBadRequest for one that cannot be read."""
    try:
        return await request.post()
    except (ValueError, LookupError):
        raise web.HTTPBadRequest(text="The body is not a readable form.") from None
