"""A person with a browser: cookies, redirects, the Refresh header, and forms. The portal is called in process, the sandbox for real."""

import re
from dataclasses import dataclass
from html import unescape
from html.parser import HTMLParser
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
from starlette.types import ASGIApp

__all__ = ["Form", "Person", "new_person", "problem_of"]


@dataclass
class Form:
    action: str
    fields: list[tuple[str, str]]
    buttons: list[tuple[str, str]]


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form" and found.get("method", "").lower() == "post":
            self.forms.append(Form(found["action"], [], []))
            self._open = True
        elif self._open and tag in ("input", "button") and found.get("name"):
            if tag == "button":
                self.forms[-1].buttons.append((found["name"], found.get("value", "")))
            elif found.get("type") not in ("checkbox", "radio") or "checked" in found:
                self.forms[-1].fields.append((found["name"], found.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = False


class Person:
    """`page`: what is shown now. `went`: every address that the browser was at."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http
        self.page = httpx.Response(204)
        self.went: list[str] = []

    async def open(self, url: str) -> httpx.Response:
        return await self._follow(await self.http.get(url))

    async def submit(self, action: str, *, without: str = "", press: tuple[str, str] | None = None, **fields: str) -> httpx.Response:
        """The form on this page whose action ends so (several with the same one: the one that has `fields` already), with its values.

        `without`: fields of that name are left out. `press`: name and value of the button.
        """
        pairs = self._form(action, fields)
        sent = [(name, value) for name, value in pairs.fields if name != without and name not in fields]
        sent += [*fields.items(), *([press] if press else [])]
        url = urljoin(str(self.page.url), pairs.action)
        content = httpx.QueryParams(sent)
        return await self._follow(
            await self.http.post(url, content=str(content), headers={"content-type": "application/x-www-form-urlencoded"})
        )

    def forms(self) -> list[Form]:
        parser = _Forms()
        parser.feed(self.page.text)
        return parser.forms

    def _form(self, action: str, fields: dict[str, str]) -> Form:
        fits = [form for form in self.forms() if urlsplit(form.action).path.endswith(action)]
        assert fits, f"no form for {action!r} on {self.page.url}: {self.page.text[:2000]}"
        exact = [form for form in fits if set(fields.items()) & set(form.fields)]
        return (exact or fits)[0]

    async def _follow(self, answer: httpx.Response) -> httpx.Response:
        for _ in range(12):
            self.went.append(str(answer.url))
            onward = answer.headers.get("location")
            refresh = re.fullmatch(r"0; url=(.+)", answer.headers.get("refresh", ""))
            if answer.is_redirect and onward:
                answer = await self.http.get(urljoin(str(answer.url), onward))
            elif refresh:
                answer = await self.http.get(refresh[1])
            else:
                self.page = answer
                return answer
        raise AssertionError(f"going round in circles: {self.went[-12:]}")

    async def sign_in(self, who: str = "ana@impact.example", path: str = "/account/profile/external") -> httpx.Response:
        await self.open(path)
        subject = re.search(rf'value="([^"]+)"[^>]*>(?:(?!</button>).)*{re.escape(who)}', self.page.text, re.DOTALL)
        assert subject, self.page.text
        value = subject[1].rpartition('value="')[2]
        return await self.submit("/oidc/authorize", account=unescape(value))

    def query(self, name: str) -> str:
        """Of the newest address that had it."""
        for url in reversed(self.went):
            values = parse_qs(urlsplit(url).query).get(name)
            if values:
                return values[0]
        raise AssertionError(name)


def problem_of(answer: httpx.Response) -> str:
    found = re.search(r'data-(?:problem|outcome)="([^"]+)"', answer.text)
    return found[1] if found else ""


def new_person(app: ASGIApp, portal_url: str) -> Person:
    http = httpx.AsyncClient(
        mounts={portal_url: httpx.ASGITransport(app)},
        transport=httpx.AsyncHTTPTransport(verify=False),
        base_url=portal_url,
        timeout=20,
        trust_env=False,
    )
    return Person(http)
