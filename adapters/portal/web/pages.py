"""From templates to answers: one Jinja environment (autoescape always on), what every page is given, and fingerprinted static files."""

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from adapters.portal.web import words
from adapters.portal.web.navigation import navigation
from adapters.portal.web.sessions import session_of
from adapters.wording import SERVICE_NAMES

__all__ = ["STATIC", "Pages", "pages_of"]

_HERE = Path(__file__).resolve().parent.parent
#: Where templates and static files live; a part of the portal with pages of its own brings its own two folders.
_TEMPLATES = (_HERE / "templates", _HERE / "classes" / "templates")
STATIC = (_HERE / "static", _HERE / "classes" / "static")


class Pages:
    """`clock` for what is said relative to now."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.environment = Environment(
            loader=FileSystemLoader([str(folder) for folder in _TEMPLATES]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,  # otherwise each page looks at the files of all its templates again
        )
        self._prints = _fingerprints()
        self.environment.globals.update(static=self.static, navigation=navigation)
        self.environment.filters.update(
            iso=words.iso,
            exact=words.exact,
            clause=words.clause,
            service_name=SERVICE_NAMES.__getitem__,
            since=lambda instant: words.since(instant, clock()),
            due=lambda instant: words.due(instant, clock()),
        )

    def static(self, path: str) -> str:
        """The address of a static file; it changes with the file, so that browsers may keep it for long. KeyError for an unknown file."""
        return f"/static/{path}?v={self._prints[path]}"

    def text(self, request: Request, template: str, context: Mapping[str, Any]) -> str:
        """`session` (None when signed out), `path` and `csrf` are in every template."""
        session = session_of(request)
        known = {"session": session, "csrf": session.csrf if session else "", "path": request.url.path}
        return self.environment.get_template(template).render(**known, **context)

    def page(
        self, request: Request, template: str, *, status: int = 200, headers: Mapping[str, str] | None = None, **context: Any
    ) -> Response:
        return HTMLResponse(self.text(request, template, context), status_code=status, headers=dict(headers or {}))


def pages_of(request: Request) -> Pages:
    pages: Pages = request.app.state.pages
    return pages


def _fingerprints() -> dict[str, str]:
    found: dict[str, str] = {}
    for folder in STATIC:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                found.setdefault(file.relative_to(folder).as_posix(), hashlib.sha256(file.read_bytes()).hexdigest()[:12])
    return found
