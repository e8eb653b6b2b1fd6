"""The example files as Kafka records."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemas.envelope import Headers
from schemas.generate import EXAMPLES

STRUCTURED: Headers = (("content-type", b"application/cloudevents+json"),)


@dataclass(frozen=True, kw_only=True)
class BadRecord:
    name: str
    key: bytes | None
    value: bytes | None
    headers: Headers
    code: str
    names: tuple[str, ...]


def good_events() -> dict[str, dict[str, Any]]:
    """`class.scheduled/class` -> the envelope."""
    return {label: content for label, content in good_messages().items() if label.startswith(("class.", "roster."))}


def good_messages() -> dict[str, dict[str, Any]]:
    paths = sorted(path for path in EXAMPLES.glob("*/*.json") if path.parent.name != "bad")
    return {f"{path.parent.name}/{path.stem}": json.loads(path.read_text(encoding="utf-8")) for path in paths}


def bad_records() -> list[BadRecord]:
    return [_bad(path) for path in sorted((EXAMPLES / "bad").glob("*.json"))]


def _bad(path: Path) -> BadRecord:
    content = json.loads(path.read_text(encoding="utf-8"))
    if "text" in content:
        value = content["text"].encode("latin-1")
    else:
        value = None if content["value"] is None else json.dumps(content["value"]).encode()
    return BadRecord(
        name=path.stem,
        key=None if content["key"] is None else content["key"].encode(),
        value=value,
        headers=[(name, text.encode()) for name, text in content["headers"]],
        code=content["code"],
        names=tuple(content["names"]),
    )


def structured(envelope: dict[str, Any]) -> tuple[bytes, bytes, Headers]:
    """Key, value and headers of an event in structured mode."""
    return envelope["data"]["class_id"].encode(), json.dumps(envelope).encode(), STRUCTURED


def binary(envelope: dict[str, Any]) -> tuple[bytes, bytes, Headers]:
    """The same event in binary mode."""
    attributes = {name: value for name, value in envelope.items() if name not in ("data", "datacontenttype")}
    headers = [("content-type", b"application/json"), *((f"ce_{name}", value.encode()) for name, value in attributes.items())]
    return envelope["data"]["class_id"].encode(), json.dumps(envelope["data"]).encode(), headers
