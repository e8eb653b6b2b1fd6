"""A person at a browser: signs in, consents, and looks. What the browser complains about is kept."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from playwright.async_api import BrowserContext, ConsoleMessage, Page, expect

from tests.e2e.sandbox import Account
from tests.e2e.world import Provider
from tests.portal.screens import Screens

__all__ = ["EXTERNAL", "Someone", "Visitor"]

EXTERNAL = "/account/profile/external"
#: Anything on a page that its Content-Security-Policy forbids.
_WATCH_POLICY = """document.addEventListener("securitypolicyviolation",
    (event) => console.error(`Content Security Policy: ${event.violatedDirective} ${event.blockedURI}`));"""


@dataclass(frozen=True)
class Someone:
    """Who can sign in, and has an account of the same address at both calendar services. `sub` is the provider's id."""

    sub: str
    name: str
    email: str

    def at(self, service: str) -> Provider:
        return Provider(self.sub, Account(service, self.email))


@dataclass
class Visitor:
    """`complaints`: violations of the page's policy, and errors of its scripts."""

    who: Someone
    page: Page
    portal: str
    screens: Screens
    complaints: list[str] = field(default_factory=list)

    @property
    def context(self) -> BrowserContext:
        return self.page.context

    async def begin(self) -> None:
        await self.page.add_init_script(_WATCH_POLICY)
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _hear(self, message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            self.complaints.append(message.text)

    async def look(self, state: str) -> None:
        await self.screens.look(self.page, state)

    async def open(self, path: str) -> None:
        await self.page.goto(self.portal + path)

    async def sign_in(self, path: str = EXTERNAL) -> None:
        await self.open(path)
        await self.choose_account()
        await expect(self.page).to_have_url(self.portal + path)

    async def choose_account(self, email: str | None = None) -> None:
        await self.page.locator("button.person", has_text=email or self.who.email).click()

    async def press(self, name: str) -> None:
        await self.page.get_by_role("button", name=name, exact=True).click()

    async def follow(self, name: str) -> None:
        await self.page.get_by_role("link", name=name, exact=True).click()

    async def connect(self, service: str) -> None:
        """From EXTERNAL, not connected, until it says that it is connected."""
        await self.to_consent(service)
        await self.press({"google": "Continue", "microsoft": "Yes"}[service])
        await self.state("connected")

    async def to_consent(self, service: str, email: str | None = None) -> None:
        """As far as the service's consent page."""
        await self.press({"google": "Google Calendar", "microsoft": "Microsoft 365"}[service])
        await self.choose_account(email)

    async def state(self, state: str) -> None:
        """Until the External Calendar section shows this state."""
        await expect(self.page.locator("#external-calendar")).to_have_attribute("data-state", state)

    async def heading(self, text: str) -> None:
        await expect(self.page.get_by_role("heading", level=1)).to_have_text(text)

    async def says(self, text: str | re.Pattern[str]) -> None:
        await expect(self.page.locator("main")).to_contain_text(text)

    async def without_reload(self, steps: Callable[[], Awaitable[object]]) -> None:
        """AssertionError when the document was replaced while `steps` ran."""
        await self.page.evaluate("() => { window.sameDocument = true; }")
        await steps()
        assert await self.page.evaluate("() => window.sameDocument === true"), "the page was loaded again"
