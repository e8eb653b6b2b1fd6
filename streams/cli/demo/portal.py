"""The portal, as the people of the story use it: they sign in, connect, look, and disconnect. Nothing of it is reached but its pages."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import date

from yarl import URL

from schemas.connections import Service
from streams.cli.demo.browser import Browser
from streams.cli.demo.checks import NotYetError
from streams.cli.demo.markup import Element, Page

__all__ = ["EXTERNAL", "External", "Mark", "Portal", "Visitor", "classes_address"]

EXTERNAL = "/account/profile/external"
_CONNECT = {Service.GOOGLE: "Google Calendar", Service.MICROSOFT: "Microsoft 365"}
_CONSENT = {Service.GOOGLE: "Continue", Service.MICROSOFT: "Yes"}


def classes_address(portal_url: str, day: date, view: str = "day") -> str:
    return f"{portal_url}/manage/classes?view={view}&on={day}"


@dataclass(frozen=True, kw_only=True)
class External:
    """What EXTERNAL shows. `state`: `not_connected`, `connected` ... `facts`: by their names. `alert`: what is said to be wrong."""

    state: str
    facts: Mapping[str, str]
    standing: str
    alert: str


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A class's cloud mark: its name, its words on the page, and what is said beside them."""

    name: str
    words: str
    detail: str


class Visitor:
    """One person at a browser, signed in. `consent`: the last request to a calendar service's consent page, by its parameters."""

    def __init__(self, browser: Browser, portal_url: str) -> None:
        self._browser = browser
        self._portal_url = portal_url
        self.consent: Mapping[str, str] = {}

    async def sign_in(self, email: str) -> None:
        """At the identity provider, where the portal sends whoever is not signed in."""
        await self._browser.open(self._portal_url + EXTERNAL)
        await self._browser.press(email)
        self._browser.require_at(EXTERNAL)

    async def connect(self, service: Service, email: str) -> None:
        """From EXTERNAL to the service's account and consent pages, and back."""
        await self._browser.open(self._portal_url + EXTERNAL)
        await self._browser.press(_CONNECT[service])
        await self._browser.press(email)
        await self._allow(service)

    async def reconnect(self, service: Service) -> None:
        """The one button of a connection that ended; the account is known."""
        await self._browser.open(self._portal_url + EXTERNAL)
        await self._browser.press("Reconnect")
        await self._allow(service)

    async def _allow(self, service: Service) -> None:
        self.consent = dict(self._browser.page.url.query)
        await self._browser.press(_CONSENT[service])
        self._browser.require_at(EXTERNAL)

    async def disconnect(self, choosing: str) -> None:
        """`choosing`: words of what shall happen to the events."""
        await self._browser.open(self._portal_url + EXTERNAL)
        await self._browser.follow("Disconnect")
        await self._browser.press("Disconnect", choosing=choosing)
        self._browser.require_at(EXTERNAL)

    @property
    def back_at(self) -> URL | None:
        """The newest address of the portal's that a calendar service led back to."""
        return next((url for url in reversed(self._browser.went) if url.path.startswith("/oauth/")), None)

    async def external(self) -> External:
        """Raises NotYetError while the page cannot tell."""
        page = await self._browser.open(self._portal_url + EXTERNAL)
        section = page.by_id("external-calendar")
        if section is None:
            raise NotYetError(_instead(page))
        names, values = (page.all(tag, inside=section) for tag in ("dt", "dd"))
        alerts = [found for found in page.all(inside=section, attribute="role") if found["role"] == "alert"]
        return External(
            state=section["data-state"],
            facts={name.text: value.text for name, value in zip(names, values, strict=True)},
            standing=next((found.text for found in page.all(inside=section, css_class="standing")), ""),
            alert=page.all("p", inside=alerts[0])[-1].text if alerts else "",
        )

    async def marks(self, day: date) -> Mapping[str, Mark]:
        """Of the classes on a day that this person may see, by class id. Raises NotYetError while the page cannot tell."""
        page = await self._browser.open(classes_address(self._portal_url, day))
        if page.by_id("calendar") is None:
            raise NotYetError(_instead(page))
        return {entry["data-class"]: _mark(page, entry) for entry in page.all("a", attribute="data-class")}


class Portal:
    """`visit`: a browser of its own for each. Leaving the `async with` block closes them all."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> "Portal":
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._stack.aclose()

    async def visit(self, email: str) -> Visitor:
        """Signed in."""
        visitor = Visitor(await self._stack.enter_async_context(Browser()), self.url)
        await visitor.sign_in(email)
        return visitor


def _mark(page: Page, entry: Element) -> Mark:
    """Of one entry of a day's list."""
    (mark,) = page.all("span", inside=entry, css_class="day-mark")
    (words,), (detail,) = (page.all("span", inside=mark, css_class=name) for name in ("strong", "muted"))
    return Mark(name=entry["data-mark"], words=words.text, detail=detail.text)


def _instead(page: Page) -> str:
    return f"the page says {page.heading!r} ({page.status})"
