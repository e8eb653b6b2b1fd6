"""Query parameters of a Calendar method, read as the discovery document types them."""

from collections.abc import Mapping, Sequence
from typing import Any

from multidict import MultiMapping

from infra.sandbox.google.discovery import method_parameters
from infra.sandbox.google.errors import refuse

__all__ = ["Parameters", "read_parameters"]


class Parameters:
    def __init__(self, query: MultiMapping[str]) -> None:
        self._query = query

    def text(self, name: str) -> str | None:
        return self._query.get(name)

    def texts(self, name: str) -> Sequence[str]:
        return self._query.getall(name, [])

    def flag(self, name: str) -> bool:
        return self._query.get(name) == "true"

    def number(self, name: str, default: int) -> int:
        return int(self._query.get(name, default))


def read_parameters(method: str, query: MultiMapping[str]) -> Parameters:
    """Raises Refusal for a parameter that `events.<method>` does not have, or of a wrong type or value."""
    if query:
        known = method_parameters(method)
        for name, value in query.items():
            if name not in known or known[name].get("location") == "path":
                raise refuse(400, "badRequest", f"Unknown name {name[:40]!r}: cannot bind query parameter.")
            _check(name, value, known[name])
        if "fields" in query:
            raise refuse(400, "invalidParameter", "The sandbox does not simulate partial responses (fields).")
    return Parameters(query)


def _check(name: str, value: str, described: Mapping[str, Any]) -> None:
    kind = described.get("type")
    wrong = (
        ("enum" in described and value not in described["enum"])
        or (kind == "boolean" and value not in ("true", "false"))
        or (kind == "integer" and (not value.isdecimal() or int(value) < int(described.get("minimum", 0))))
    )
    if wrong:
        raise refuse(400, "invalidParameter", f"Invalid value for {name}.", location=("parameter", name))
