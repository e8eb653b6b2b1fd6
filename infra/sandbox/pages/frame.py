"""The frame of every page, with the sandbox's one look."""

from functools import cache
from html import escape
from importlib.resources import files

__all__ = ["PAGE_HEADERS", "frame"]

#: Nothing but the page's own style: a title on a simulated calendar can hold anything.
PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@cache
def _sheet(name: str) -> str:
    return (files("infra.sandbox.pages") / name).read_text("utf-8")


def frame(title: str, body: str, *more_sheets: str) -> str:
    """`body` is HTML; `more_sheets`: style sheets beside the common one."""
    style = "".join(_sheet(name) for name in ("style.css", *more_sheets))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{style}</style></head><body><main>{body}</main></body></html>"
    )
