"""A web page as a person takes it in: headings, links, labels, and forms with their buttons. No script runs."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser

from yarl import URL

__all__ = ["Element", "Page", "read_page"]

_VOID = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"})


class Element:
    """`attributes`: without a value, the empty text."""

    __slots__ = ("_pieces", "attributes", "parent", "tag")

    def __init__(self, tag: str, attributes: Mapping[str, str], parent: "Element | None") -> None:
        self.tag, self.attributes, self.parent = tag, attributes, parent
        self._pieces: list[str] = []

    @property
    def text(self) -> str:
        """All that is written in it, in one line."""
        return re.sub(r" (?=[,.;:])", "", " ".join(" ".join(self._pieces).split()))

    def __getitem__(self, attribute: str) -> str:
        return self.attributes.get(attribute, "")

    def has_class(self, name: str) -> bool:
        return name in self["class"].split()

    def is_inside(self, other: "Element") -> bool:
        return any(above is other for above in self.above())

    def above(self) -> "Iterator[Element]":
        """What it stands in, the nearest first."""
        above = self.parent
        while above is not None:
            yield above
            above = above.parent

    def write(self, text: str) -> None:
        for element in (self, *self.above()):
            element._pieces.append(text)


@dataclass(frozen=True, kw_only=True)
class Page:
    """`refresh`: where it goes on to by itself, at once."""

    url: URL
    status: int
    elements: Sequence[Element]
    refresh: URL | None = None

    @property
    def heading(self) -> str:
        return next((element.text for element in self.elements if element.tag == "h1"), "")

    def all(self, tag: str = "", *, inside: Element | None = None, css_class: str = "", attribute: str = "") -> list[Element]:
        """In the order of the page; what is not given does not matter."""
        return [
            element
            for element in self.elements
            if tag in ("", element.tag)
            and (inside is None or element.is_inside(inside))
            and (not css_class or element.has_class(css_class))
            and (not attribute or attribute in element.attributes)
        ]

    def by_id(self, id: str) -> Element | None:
        return next((element for element in self.elements if element["id"] == id), None)

    def saying(self, tag: str, words: str) -> Element | None:
        """The first one that says exactly this, or else one in whose text the words are."""
        found = [element for element in self.elements if element.tag == tag and words in element.text]
        return next((element for element in found if element.text == words), next(iter(found), None))

    def fields(self, form: Element) -> list[tuple[str, str]]:
        """What the form sends as it stands, without a button."""
        unticked = ("checkbox", "radio")
        inputs = (element for element in self.all("input", inside=form) if element["name"])
        return [(one["name"], one["value"]) for one in inputs if one["type"] not in unticked or "checked" in one.attributes]


def read_page(url: URL, status: int, html: str, *, refresh: str = "") -> Page:
    """`refresh`: the header of that name."""
    parser = _Parser()
    parser.feed(html)
    onward = re.fullmatch(r"0; *url=(.+)", refresh)
    return Page(url=url, status=status, elements=parser.elements, refresh=url.join(URL(onward[1], encoded=True)) if onward else None)


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.elements: list[Element] = []
        self._open: Element | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs}, self._open)
        self.elements.append(element)
        if tag not in _VOID:
            self._open = element

    def handle_endtag(self, tag: str) -> None:
        """A tag that was never opened closes nothing; one that was closes what is still open in it."""
        element = self._open
        while element is not None and element.tag != tag:
            element = element.parent
        if element is not None:
            self._open = element.parent

    def handle_data(self, data: str) -> None:
        if self._open is not None and self._open.tag not in ("script", "style"):
            self._open.write(data)
