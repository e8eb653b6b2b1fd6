"""Where a person is sent next: only to pages of this portal, and out to other services by a page of ours."""

import re
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from adapters.portal.web.pages import pages_of

__all__ = ["leave_for", "safe_next"]

START = "/"


def safe_next(text: str | None, default: str = START) -> str:
    """`text` when it is a path on this portal, otherwise `default`.

    Browsers take `//host` and `/\\host` for another host, drop tabs and newlines inside an address, and read a backslash as a slash:
    none of these passes.
    """
    if not text or len(text) > 2000 or not text.startswith("/") or text.startswith("//"):
        return default
    if "\\" in text or re.search(r"[\x00-\x20\x7f]", text):
        return default
    try:
        parts = urlsplit(text)
    except ValueError:
        return default
    return text if not parts.scheme and not parts.netloc else default


def leave_for(request: Request, url: str, *, to: str) -> Response:
    """A page that goes on to `url` at once. `to`: its name for a person.

    Not a redirect, since a form led here: browsers hold every redirect after a form against the policy's form-action, and where an identity
    provider sends people on the way is not ours to list. `url` is made by this portal, never taken from a request.
    """
    return pages_of(request).page(request, "leaving.html", headers={"refresh": f"0; url={url}"}, url=url, to=to)
