"""One person's browser, without the window: cookies, redirects, links, and forms sent as their buttons send them."""

from types import TracebackType
from typing import Self

import aiohttp
from yarl import URL

from streams.cli.demo.markup import Element, Page, read_page
from streams.cli.errors import CommandError

__all__ = ["Browser", "UnexpectedPageError"]

#: Pages in a row that go on by themselves.
_MOST_HOPS = 8


class UnexpectedPageError(CommandError):
    """A page lacks what should be on it."""


class Browser:
    """`page`: what is shown. `went`: every address it was at, in order. Each method raises CommandError when there is no answer."""

    def __init__(self) -> None:
        # Cookies of plain addresses such as 127.0.0.1 are kept too, as browsers do.
        self._http = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True), timeout=aiohttp.ClientTimeout(total=20))
        self.page = read_page(URL("about:blank"), 200, "")
        self.went: list[URL] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._http.close()

    async def open(self, url: URL | str) -> Page:
        return await self._ask("GET", URL(url))

    async def follow(self, words: str) -> Page:
        """The link that says so. Raises UnexpectedPageError."""
        return await self._ask("GET", self.page.url.join(URL(self._find("a", words)["href"], encoded=True)))

    async def press(self, words: str, *, choosing: str = "") -> Page:
        """The button that says so. `choosing`: words of a choice that is taken first. Raises UnexpectedPageError."""
        button = self._find("button", words)
        form = next((above for above in button.above() if above.tag == "form"), None)
        if form is None:
            raise self._unexpected(f"the button {words!r} belongs to no form")
        fields = self.page.fields(form)
        if choosing:
            (choice,) = self.page.all("input", inside=self._find("label", choosing))
            fields = [(name, value) for name, value in fields if name != choice["name"]] + [(choice["name"], choice["value"])]
        if button["name"]:
            fields.append((button["name"], button["value"]))
        return await self._ask("POST", self.page.url.join(URL(form["action"], encoded=True)), fields)

    def require_at(self, path: str) -> None:
        """Raises UnexpectedPageError where another page is shown."""
        if self.page.url.path != path:
            raise self._unexpected(f"{path} was expected, not what is")

    def _find(self, tag: str, words: str) -> Element:
        found = self.page.saying(tag, words)
        if found is None:
            raise self._unexpected(f"nothing to choose says {words!r}")
        return found

    def _unexpected(self, what: str) -> UnexpectedPageError:
        return UnexpectedPageError(f"{what} on {self.page.url.with_query(None)} ({self.page.status}, {self.page.heading!r})")

    async def _ask(self, method: str, url: URL, fields: list[tuple[str, str]] | None = None) -> Page:
        page = await self._load(method, url, fields)
        for _ in range(_MOST_HOPS):
            if page.refresh is None:
                break
            page = await self._load("GET", page.refresh, None)
        self.page = page
        return page

    async def _load(self, method: str, url: URL, fields: list[tuple[str, str]] | None) -> Page:
        try:
            async with self._http.request(method, url, data=fields) as answer:
                html = await answer.text()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise CommandError(f"a browser got no answer from {url.with_query(None)}: {type(error).__name__}") from None
        self.went += [one.url for one in (*answer.history, answer)]
        return read_page(answer.url, answer.status, html, refresh=answer.headers.get("Refresh", ""))
