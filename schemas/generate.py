"""`python -m schemas.generate` writes what is made from the structs and the topics: `json/*.json` and `asyncapi.yaml`.

A test holds that the files are up to date. PyYAML, which writes the latter, comes with the development tools.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from schemas.asyncapi import asyncapi_document
from schemas.json_schema import message_schemas

__all__ = ["EXAMPLES", "HERE", "generated", "main", "read_examples"]

HERE = Path(__file__).parent
EXAMPLES = HERE / "examples"


def generated() -> dict[Path, str]:
    """Every generated file and what has to stand in it."""
    schemas = message_schemas()
    files = {HERE / "json" / f"{name}.json": json.dumps(schema, indent=2, ensure_ascii=False) + "\n" for name, schema in schemas.items()}
    document = asyncapi_document(schemas, {name: read_examples(name) for name in schemas})
    return files | {HERE / "asyncapi.yaml": yaml.dump(document, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=140)}


def read_examples(name: str) -> Mapping[str, Any]:
    """The examples of a message: name of the file -> content. At least one has to be there."""
    found = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted((EXAMPLES / name).glob("*.json"))}
    if not found:
        raise FileNotFoundError(f"no example in {EXAMPLES / name}")
    return found


def main() -> int:
    """Write what differs, take away what is left over from a message that is gone; says what it did."""
    wanted = generated()
    for stale in set((HERE / "json").glob("*.json")) - wanted.keys():
        stale.unlink()
        _say(f"removed {stale.relative_to(HERE.parent)}")
    for path, text in wanted.items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            _say(f"wrote {path.relative_to(HERE.parent)}")
    return 0


class _Plain(yaml.SafeDumper):
    """Repeats a value where it stands twice, instead of YAML's anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
