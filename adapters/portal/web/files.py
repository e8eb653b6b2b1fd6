"""Static files, under /static. Their addresses carry a fingerprint, so browsers keep them for a year."""

from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from adapters.portal.web.pages import STATIC

__all__ = ["static_files"]


class _Files(StaticFiles):
    """Looks in every part's folder; the first one that has the file gives it."""

    def __init__(self) -> None:
        super().__init__(directory=None, check_dir=False)
        self.all_directories = [folder for folder in STATIC if folder.is_dir()]

    async def get_response(self, path: str, scope: Scope) -> Response:
        answer = await super().get_response(path, scope)
        keep = "max-age=31536000, immutable" if b"v=" in scope.get("query_string", b"") else "no-cache"
        answer.headers["cache-control"] = keep
        return answer


def static_files() -> Mount:
    return Mount("/static", _Files(), name="static")
