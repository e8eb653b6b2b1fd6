"""docs/benchmarks.md, written whole by each full run: machine, sizes, medians with their spread, and ratios beside their targets."""

import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median

import psutil

__all__ = ["Row", "Section", "Spread", "machine", "write_report"]

_PACKAGES = ("faust-streaming", "aiokafka", "msgspec", "uvloop", "rocksdict", "aiohttp", "google-api-python-client", "msgraph-sdk")


@dataclass(frozen=True)
class Spread:
    """Values of all runs of one thing."""

    values: Sequence[float]

    @property
    def median(self) -> float:
        return median(self.values)

    def show(self, digits: int = 0) -> str:
        """`median (min..max)`."""
        return f"{self.median:,.{digits}f} ({min(self.values):,.{digits}f}..{max(self.values):,.{digits}f})"


@dataclass(frozen=True)
class Row:
    cells: Sequence[str]


@dataclass
class Section:
    """One table. `targets`: statement, what was measured, whether it holds."""

    title: str
    text: str
    head: Sequence[str]
    rows: list[Row] = field(default_factory=list)
    targets: list[tuple[str, str, bool]] = field(default_factory=list)


def machine() -> Mapping[str, str]:
    """What a figure depends on, as far as it can be told."""
    load = " / ".join(f"{value:.1f}" for value in os.getloadavg())
    java = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False).stderr.splitlines()
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": f"{_processor()}, {os.cpu_count()} cores, shared by the broker, the workers, the stub and the bench",
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "load before the run": f"{load} (1, 5 and 15 minutes)",
        "system": f"{platform.system()} {platform.release()}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "Java": java[0] if java else "unknown",
        "packages": ", ".join(f"{name} {version(name)}" for name in _PACKAGES),
    }


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.processor() or "unknown")


def write_report(path: Path, *, command: str, facts: Mapping[str, str], sections: Sequence[Section]) -> None:
    lines = [
        "# Benchmarks",
        "",
        f"Written by `{command}`; do not edit. Every engine's answer was verified; a wrong one ends the run without a figure.",
        "Runs were taken in turn (A B C A B C ...). Figures are medians with (lowest..highest).",
        "",
        *(f"- {name}: {value}" for name, value in facts.items()),
    ]
    for section in sections:
        lines += ["", f"## {section.title}", "", section.text, "", *_table(section.head, section.rows)]
        if section.targets:
            shown = [Row((target, measured, "yes" if holds else "no")) for target, measured, holds in section.targets]
            lines += ["", *_table(("target", "measured", "met"), shown)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


def _table(head: Sequence[str], rows: Sequence[Row]) -> list[str]:
    return [
        "| " + " | ".join(head) + " |",
        "|" + "|".join("---" for _ in head) + "|",
        *("| " + " | ".join(row.cells) + " |" for row in rows),
    ]
