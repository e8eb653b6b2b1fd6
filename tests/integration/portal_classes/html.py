"""Reads a page as a test needs it: elements by class or attribute, and their text."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

__all__ = ["Element", "Page"]

_VOID = {"meta", "link", "input", "img", "br", "hr", "path", "use", "circle"}


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    parts: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return " ".join("".join(self.parts).split())

    def has(self, name: str) -> bool:
        return name in self.attributes.get("class", "").split()


class Page(HTMLParser):
    """`elements` in the order of their start; each has the text of all within it."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.elements.append(element)
        if tag not in _VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop().tag != tag:
            pass

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.parts.append(data)

    def of_class(self, name: str) -> list[Element]:
        return [element for element in self.elements if element.has(name)]

    def tagged(self, tag: str) -> list[Element]:
        return [element for element in self.elements if element.tag == tag]

    @property
    def classes(self) -> list[str]:
        """class_id of each entry, in order."""
        return [element.attributes["data-class"] for element in self.elements if "data-class" in element.attributes]

    @property
    def live(self) -> Element:
        return next(element for element in self.elements if "data-live" in element.attributes)

    @property
    def text(self) -> str:
        return " ".join(" ".join(element.parts) for element in self.elements if element.tag == "main")
