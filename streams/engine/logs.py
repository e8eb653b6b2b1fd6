"""Logs: the standard library's loggers, ours and others', to stderr; JSON where no person is reading.

structlog formats the lines; nobody logs through a logger of structlog's.

No secret and no student gets out: values under telling names are replaced, and so is what looks like a token inside a text. Tracebacks
never show local variables.
"""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, TextIO

import structlog
from structlog.typing import Processor

__all__ = ["REDACTED", "configure_logging", "redact"]

REDACTED = "[redacted]"

_TELLING = re.compile(r"token|secret|password|passwd|authorization|credential|cookie|api_?key|vault_?key|student|roster", re.IGNORECASE)
#: Counts and flags about such things are harmless, and needed (`token_refreshes=3`).
_HARMLESS = (bool, int, float, type(None))
_IN_TEXT = re.compile(
    r"(?P<keep>\b(?:bearer\s+|(?:access_token|refresh_token|id_token|client_secret|assertion)[\"']?\s*[=:]\s*[\"']?))[^\s\"'&,}]+",
    re.IGNORECASE,
)
#: These log each request at INFO or each poll at DEBUG; what they have to say is said by the callers' own errors.
_CHATTY = ("aiokafka", "azure", "httpx", "httpx2", "httpcore", "httpcore2", "googleapiclient", "google", "msal", "asyncio")


def configure_logging(level: str, log_format: str = "auto", *, stream: TextIO | None = None) -> None:
    """Once per process, before the first line. `log_format`: `json`, `console`, or `auto`: console for a terminal, JSON elsewhere."""
    stream = stream or sys.stderr
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                redact,
                _renderer(log_format, stream),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelNamesMapping()[level.upper()]))


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: the event without secrets and students."""
    return {name: _clean(name, value) for name, value in event.items()}


def _clean(name: str, value: Any) -> Any:
    if _TELLING.search(name) and not isinstance(value, _HARMLESS):
        return REDACTED
    match value:
        case str():
            return _IN_TEXT.sub(rf"\g<keep>{REDACTED}", value)
        case bytes():
            return f"[{len(value)} bytes]"
        case Mapping():
            return {key: _clean(str(key), inner) for key, inner in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_clean("", inner) for inner in value]
        case bool() | int() | float() | None:
            return value
        case _:
            return _IN_TEXT.sub(rf"\g<keep>{REDACTED}", str(value))


def _renderer(log_format: str, stream: TextIO) -> Processor:
    if log_format == "json" or (log_format == "auto" and not stream.isatty()):
        return structlog.processors.JSONRenderer()
    return structlog.dev.ConsoleRenderer(colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback)
