"""What the three authorization endpoints have in common: reading the request, and leading back to the application."""

from collections.abc import Callable, Iterable, Mapping
from html import escape
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from aiohttp import web
from multidict import MultiDict, MultiMapping

from infra.sandbox.answers import Answer, Refusal
from infra.sandbox.codes import is_challenge
from infra.sandbox.faults import FaultOrder, retry_headers
from infra.sandbox.forms import read_form
from infra.sandbox.pages.dialog import dialog
from infra.sandbox.pages.frame import PAGE_HEADERS
from infra.sandbox.redirects import Redirects

__all__ = ["Asked", "error_page", "fault_to", "form_address", "lead_back", "page", "read_challenge", "read_request"]

#: What a page's own form sends; everything else is the application's request.
_FORM_FIELDS = frozenset({"account", "decision", "scope_granted", "organization"})


class Asked:
    """`fields`: the application's request. `form`: what the person chose on the page before, empty at first. `ticked`: checkboxes."""

    __slots__ = ("fields", "form", "ticked")

    def __init__(self, fields: Mapping[str, str], form: Mapping[str, str], ticked: frozenset[str]) -> None:
        self.fields, self.form, self.ticked = fields, form, ticked

    def __getitem__(self, name: str) -> str:
        """Empty when it is absent: a parameter without a value counts as omitted (RFC 6749 section 3.1)."""
        return self.fields.get(name, "")

    @property
    def scopes(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self["scope"].split()))

    @property
    def prompts(self) -> frozenset[str]:
        return frozenset(self["prompt"].split())


async def read_request(request: web.Request) -> Asked | None:
    """The request, from the address and, for a POST, the body (OpenID Connect Core section 3.1.2.1); None when a parameter is repeated."""
    body: MultiMapping[Any] = await read_form(request) if request.method == "POST" else MultiDict()
    sent: MultiMapping[Any] = request.query
    pairs = [*sent.items(), *((name, value) for name, value in body.items() if name not in _FORM_FIELDS and isinstance(value, str))]
    fields = dict(pairs)
    if len(fields) != len(pairs):
        return None
    form = {name: value for name, value in body.items() if name in _FORM_FIELDS and isinstance(value, str)}
    ticked = frozenset(str(value) for value in body.getall("scope_granted", ()))
    return Asked(fields, form, ticked)


def read_challenge(asked: Asked) -> str | None:
    """The S256 challenge; None when there is none. Raises ValueError, which says what is wrong."""
    challenge, method = asked["code_challenge"], asked["code_challenge_method"]
    if not challenge:
        if method:
            raise ValueError("code_challenge_method without code_challenge")
        return None
    if method != "S256":
        raise ValueError("code_challenge_method must be S256")
    if not is_challenge(challenge):
        raise ValueError("code_challenge is not the base64url SHA-256 of a verifier")
    return challenge


def lead_back(redirect_uri: str, parameters: Iterable[tuple[str, str | None]]) -> Answer:
    """302 to the application, with `parameters` (those that are not None) added to the address."""
    parts = urlsplit(redirect_uri)
    query = parse_qsl(parts.query, keep_blank_values=True) + [(name, value) for name, value in parameters if value is not None]
    address = urlunsplit(parts._replace(query=urlencode(query)))
    return Answer(status=302, headers={"Location": address, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})


def form_address(request: web.Request, asked: Asked) -> str:
    """Where a page's form goes: here, with the application's request in the address."""
    return f"{request.path}?{urlencode(dict(asked.fields))}"


def page(html: str, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(status=status, body=html.encode(), headers={**PAGE_HEADERS, **(headers or {})}, content_type="text/html")


def error_page(brand: str, code: str, text: str, *, status: int = 400) -> Refusal:
    """To raise, where leading back would be wrong: nobody knows that the address is the application's."""
    body = f"<h1>Access blocked</h1><p>{escape(text)}</p><p class=code>Error {status}: {escape(code)}</p>"
    return Refusal(page(dialog(f"Error: {code}", brand, body), status=status))


def fault_to(brand: str, asked: Asked | None, redirects: Redirects, *more: tuple[str, str]) -> Callable[[FaultOrder], Answer]:
    """A fault with a `reason` leads back with it as the OAuth error; one without is a page with the fault's status."""

    def answer(fault: FaultOrder) -> Answer:
        if fault.reason and asked is not None and redirects.allows(brand, asked["redirect_uri"]):
            parameters = [("error", fault.reason), ("error_description", "Simulated."), ("state", asked.fields.get("state")), *more]
            return lead_back(asked["redirect_uri"], parameters)
        status = fault.status or 503
        body = f"<h1>Something went wrong</h1><p>Try again later.</p><p class=code>Error {status}</p>"
        return page(dialog(f"Error {status}", brand, body), status=status, headers=retry_headers(fault))

    return answer
