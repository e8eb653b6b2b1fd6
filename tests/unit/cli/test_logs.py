"""Logs: one JSON object a line where no person reads, no secret and no student in any."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from streams.engine.logs import REDACTED, configure_logging

_SECRET = "ya29.very-secret"


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logging("info", stream=stream)
    yield stream
    root.handlers[:], root.level = handlers, level


def _only(lines: io.StringIO) -> dict[str, Any]:
    line: dict[str, Any] = json.loads(lines.getvalue())
    return line


def test_a_line_is_one_json_object_with_time_level_logger_and_fields(lines: io.StringIO) -> None:
    logging.getLogger("fold").info("folded", extra={"class_id": "c-1", "version": 3})
    line = _only(lines)
    assert {name: line[name] for name in ("event", "class_id", "version", "level", "logger")} == {
        "event": "folded", "class_id": "c-1", "version": 3, "level": "info", "logger": "fold",
    }  # fmt: skip
    assert line["timestamp"].endswith("Z")


@pytest.mark.parametrize(
    "name", ["access_token", "refreshToken", "client_secret", "Authorization", "sasl_password", "student_id", "students"]
)
def test_values_under_telling_names_are_redacted_at_any_depth(lines: io.StringIO, name: str) -> None:
    logging.getLogger("fold").info("asked", extra={name: _SECRET, "request": {"headers": [{name: _SECRET}]}})
    assert _SECRET not in lines.getvalue()
    assert _only(lines)[name] == REDACTED
    assert _only(lines)["request"]["headers"][0][name] == REDACTED


def test_a_count_under_a_telling_name_stays(lines: io.StringIO) -> None:
    logging.getLogger("fold").info("refreshed", extra={"token_refreshes": 3})
    assert _only(lines)["token_refreshes"] == 3


@pytest.mark.parametrize(
    "text",
    [f"Authorization: Bearer {_SECRET}", f"POST /token?refresh_token={_SECRET}&grant_type=x", f'{{"access_token": "{_SECRET}"}}'],
)
def test_tokens_inside_the_texts_of_other_libraries_are_redacted(lines: io.StringIO, text: str) -> None:
    logging.getLogger("somebody.else").warning("sent %s", text)
    assert _SECRET not in lines.getvalue()
    assert REDACTED in _only(lines)["event"]


def test_an_exception_is_logged_without_local_variables_and_without_tokens(lines: io.StringIO) -> None:
    refresh_token = _SECRET
    try:
        raise ValueError(f"refused: refresh_token={refresh_token}")
    except ValueError:
        logging.getLogger("fold").exception("failed")
    assert "ValueError" in _only(lines)["exception"]
    assert _SECRET not in lines.getvalue()


def test_what_is_below_the_level_is_left_out(lines: io.StringIO) -> None:
    logging.getLogger("fold").debug("detail")
    logging.getLogger("aiokafka").info("metadata")
    assert lines.getvalue() == ""
