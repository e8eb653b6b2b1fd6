"""A person's browser at the simulated providers: follows no redirect by itself, keeps cookies, and posts the forms of the pages."""

import base64
import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import aiohttp

__all__ = ["Browser", "Page", "challenge_of", "new_verifier"]


def new_verifier() -> str:
    return secrets.token_urlsafe(48)


def challenge_of(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


@dataclass(frozen=True, kw_only=True)
class Page:
    """`location`: where it leads, empty for a page that is shown."""

    status: int
    text: str
    location: str
    headers: Mapping[str, str]

    @property
    def back(self) -> dict[str, str]:
        """What the address that it leads to carries, each name once."""
        pairs = parse_qsl(urlsplit(self.location).query, keep_blank_values=True)
        assert len(dict(pairs)) == len(pairs), self.location
        return dict(pairs)

    @property
    def landing(self) -> str:
        return self.location.partition("?")[0]

    @property
    def action(self) -> str:
        found = re.search(r'<form method="post" action="([^"]*)"', self.text)
        assert found is not None, self.text
        return unescape(found[1])

    @property
    def choices(self) -> list[str]:
        return [unescape(value) for value in re.findall(r'name="?account"? value="([^"]*)"', self.text)]


@dataclass(kw_only=True)
class Browser:
    base_url: str
    http: aiohttp.ClientSession
    cookies: dict[str, str] = field(default_factory=dict)

    async def get(self, path: str, params: Mapping[str, str] | str | None = None) -> Page:
        return await self._send("GET", path, params=params)

    async def post(self, path: str, data: Mapping[str, str] | list[tuple[str, str]], params: Mapping[str, str] | None = None) -> Page:
        return await self._send("POST", path, data=data, params=params)

    async def press(self, page: Page, **fields: Any) -> Page:
        """Post a page's form; a list gives several values for one name."""
        pairs = [(name, one) for name, value in fields.items() for one in (value if isinstance(value, list) else [value])]
        return await self.post(page.action, pairs)

    async def _send(self, method: str, path: str, **more: Any) -> Page:
        async with self.http.request(
            method, self.base_url + path, allow_redirects=False, headers={"Cookie": self._cookie_header()}, **more
        ) as answer:
            for name, morsel in answer.cookies.items():
                if morsel["max-age"] == "0":
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value
            text = await answer.text()
            return Page(status=answer.status, text=text, location=answer.headers.get("Location", ""), headers=answer.headers)

    def _cookie_header(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())
