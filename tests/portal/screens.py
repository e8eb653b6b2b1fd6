"""Looking at a page as it stands: axe-core over it, no scrolling sideways on a phone, and a picture for the documentation where wanted."""

import asyncio
import shutil
import subprocess
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from playwright.async_api import Page

__all__ = ["DESKTOP", "PHONE", "Screens"]

#: Width and height in CSS pixels.
DESKTOP, PHONE = (1280, 800), (360, 740)
Scheme = Literal["light", "dark"]
_SIZES = {"desktop": DESKTOP, "phone": PHONE}
_SCHEMES: tuple[Scheme, ...] = ("light", "dark")
#: Each layout and each set of colours once, the second time for the rules that depend on them. The pictures show the rest.
_LOOKED_AT: tuple[tuple[tuple[int, int], Scheme, str], ...] = (
    (DESKTOP, "light", '{resultTypes: ["violations"]}'),
    (
        PHONE,
        "dark",
        '{resultTypes: ["violations"], runOnly: ["color-contrast", "target-size", "scrollable-region-focusable", "button-name"]}',
    ),
)
_TOO_BAD = ("serious", "critical")
_LARGEST_PICTURE = 200_000

_AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text()
_RUN = """axe.run(document, OPTIONS).then(found => found.violations.map(
    one => ({id: one.id, impact: one.impact, help: one.help, where: one.nodes.map(node => node.target.join(" ") + ": " + node.html)})))"""
#: Pictures have no scroll bar, so they need no room for one.
_NO_GUTTER = """() => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync("html { scrollbar-gutter: auto !important; }");
    document.adoptedStyleSheets = [sheet];
}"""
_SIDEWAYS = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@dataclass
class Screens:
    """`directory`: where pictures go; None takes none. `seen`: the states looked at so far, as HTML."""

    directory: Path | None = None
    seen: dict[str, str] = field(default_factory=dict)

    async def look(self, page: Page, state: str) -> None:
        """AssertionError for what axe calls serious or critical, and for a page that is wider than a phone."""
        self.seen[state] = await page.content()
        for size, scheme, options in _LOOKED_AT:
            await _show(page, size, scheme)
            assert await page.evaluate(_SIDEWAYS) <= 0, f"{state} scrolls sideways at {size[0]} pixels"
            if not await page.evaluate("() => 'axe' in window"):
                await page.evaluate(_AXE)
            found: list[dict[str, Any]] = await page.evaluate(_RUN.replace("OPTIONS", options))
            bad = [one for one in found if one["impact"] in _TOO_BAD]
            assert not bad, f"{state} at {size[0]} pixels, {scheme}: {bad}"
        if self.directory is not None:
            await self._photograph(page, self.directory, state)
        await _show(page, DESKTOP, "light")

    async def _photograph(self, page: Page, directory: Path, state: str) -> None:
        await page.evaluate(_NO_GUTTER)
        for device, size in _SIZES.items():
            for scheme in _SCHEMES:
                await _show(page, size, scheme)
                whole = await page.locator("dialog[open]").count() == 0  # what lies over a page covers only what is in view
                picture = await page.screenshot(full_page=whole, animations="disabled", caret="hide")
                picture = await asyncio.to_thread(_smaller, picture)
                assert len(picture) < _LARGEST_PICTURE, f"{state} has {len(picture)} bytes"
                directory.joinpath(f"{state}-{device}-{scheme}.png").write_bytes(picture)


async def _show(page: Page, size: tuple[int, int], scheme: Scheme) -> None:
    await page.set_viewport_size({"width": size[0], "height": size[1]})
    await page.emulate_media(color_scheme=scheme)


def _smaller(picture: bytes) -> bytes:
    """With 256 colours, a quarter of the size, where pngquant is installed."""
    program = shutil.which("pngquant")
    return subprocess.run([program, "-"], input=picture, capture_output=True, check=True).stdout if program else picture
