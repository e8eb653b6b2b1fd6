"""What the demo shows: a line for what was started, a few for each scene, a table of what was verified. Plain lines without a terminal."""

import sys
from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.padding import Padding
from rich.status import Status
from rich.table import Table
from rich.text import Text

from streams.cli.demo.checks import Claim, Verified

__all__ = ["Screen"]

#: Where no terminal tells its own; and lines get no longer than this.
_WIDTH, _WIDEST = 100, 110
#: For outputs that take no more than ASCII.
_ASCII = str.maketrans({"✓": "+", "✗": "x", "→": ">", "·": "-"})


class Screen:
    def __init__(self, console: Console | None = None) -> None:
        self._console = console or _console()
        self._unicode = self._console.encoding.lower().startswith("utf")
        self._status: Status | None = None

    def title(self, text: str) -> None:
        self._console.print(self._text(text, "bold"))

    def heading(self, text: str) -> None:
        self._console.print()
        self._console.print(self._text(text, "bold"))

    def ready(self, what: str, where: str, seconds: float) -> None:
        self._row("✓", "green", Text.assemble((f"{what:<12}", ""), (where, "dim")), seconds)

    def scene(self, number: int, title: str, told: str) -> None:
        self._console.print()
        self._console.print(Text.assemble((f"{number:>2}  ", "cyan"), self._text(title, "bold")))
        self._line(told, "")

    def checking(self, claim: Claim) -> None:
        self.busy(claim.text)

    def decided(self, verified: Verified) -> None:
        self.idle()
        well = verified.failure is None
        self._row("✓" if well else "✗", "green" if well else "bold red", self._text(verified.claim.text, ""), verified.seconds)
        if verified.seen is not None:
            self._line(verified.seen.what, "cyan", indent=6)
            if verified.seen.why:
                self._line(f"why: {verified.seen.why}", "dim", indent=6)

    def table(self, verified: Sequence[Verified]) -> None:
        table = Table(title="Verified", title_justify="left", title_style="bold", box=SIMPLE_HEAD, expand=True)
        for column, ratio in (("claim", 11), ("how it was verified", 9)):
            table.add_column(column, ratio=ratio)
        table.add_column("result", no_wrap=True)
        table.add_column("seconds", justify="right", no_wrap=True)
        for row in verified:
            result = Text("holds", "green") if row.failure is None else Text("fails", "bold red")
            table.add_row(self._text(row.claim.text), self._text(row.claim.how), result, f"{row.seconds:.1f}")
        self._console.print()
        self._console.print(table)

    def failure(self, text: str) -> None:
        self.idle()
        self._console.print()
        self._console.print(self._text(text, "red"), soft_wrap=True)

    def note(self, text: str) -> None:
        """As it is, to be copied: never wrapped."""
        self._console.print(self._text(text), soft_wrap=True)

    def busy(self, text: str) -> None:
        """On a terminal: what is waited for, until `idle`."""
        self.idle()
        if self._console.is_terminal:
            self._status = self._console.status(self._text(f"  {text} ...", "dim"))
            self._status.start()

    def idle(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None

    def _row(self, mark: str, style: str, text: Text, seconds: float) -> None:
        grid = Table.grid(padding=(0, 1), expand=True)
        grid.add_column(width=1)
        grid.add_column(ratio=1)
        grid.add_column(justify="right", no_wrap=True)
        grid.add_row(self._text(mark, style), text, Text(f"{seconds:.1f} s", "dim"))
        self._console.print(Padding(grid, (0, 0, 0, 4)))

    def _line(self, text: str, style: str, indent: int = 4) -> None:
        for line in self._text(text, style).wrap(self._console, self._console.width - indent):
            line.rstrip()
            self._console.print(Text(" " * indent) + line)

    def _text(self, text: str, style: str = "") -> Text:
        return Text(text if self._unicode else text.translate(_ASCII).encode("ascii", "replace").decode(), style)


def _console() -> Console:
    wide = Console(highlight=False)
    width = min(wide.width, _WIDEST) if sys.stdout.isatty() else _WIDTH
    return Console(width=width, highlight=False)
