"""What `publish` takes from a file, and what it says of a line that it does not take."""

import io
import json
from datetime import UTC, datetime

import pytest

from schemas.envelope import decode_event, encode_event
from streams.cli.event_lines import check_events, event_records
from streams.cli.lines import BadLine, refuse
from tests.support import class_events

_AT = datetime(2027, 3, 1, tzinfo=UTC)


def _line(version: int = 1) -> bytes:
    return encode_event(class_events.scheduled(version), id=f"event-{version}", time=_AT)


def _spoilt(path: str, value: object) -> bytes:
    """A good line with one field of `data` changed, or taken away (None)."""
    envelope = json.loads(_line())
    if value is None:
        del envelope["data"][path]
    else:
        envelope["data"][path] = value
    return json.dumps(envelope).encode()


def test_good_lines_become_records_keyed_by_class_id_with_their_own_bytes() -> None:
    file = io.BytesIO(_line(1) + b"\n\n  " + _line(2) + b" \r\n")
    assert check_events(file) == (2, [])
    records = list(event_records(file, ()))
    assert [(record.line, record.key, record.value) for record in records] == [
        (1, b"class-7", _line(1)),
        (3, b"class-7", _line(2)),
    ]
    assert decode_event(records[1].key, records[1].value, records[1].headers).event == class_events.scheduled(2)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "not JSON"),
        (b"[1]", "CloudEvents envelope"),
        (b'"\xff"', ""),
        (_spoilt("title", None), "title"),
        (_spoilt("class_id", None), "class_id"),
        (_spoilt("class_id", ""), "class_id"),
        (_spoilt("class_id", 7), "class_id"),
        (_spoilt("version", 0), "data.version"),
        (_spoilt("time_zone", "Mars/Olympus"), "time_zone"),
        (_spoilt("ends_at", "2020-01-01T00:00:00"), "ends_at is before starts_at"),
        (_spoilt("provider_ids", []), "data.provider_ids"),
    ],
)
def test_a_bad_line_is_told_by_number_and_field(line: bytes, reason: str) -> None:
    good, bad = check_events(io.BytesIO(_line() + b"\n" + line + b"\n"))
    assert good == 1
    assert [found.number for found in bad] == [2]
    assert reason in bad[0].reason


def test_skipped_lines_send_nothing() -> None:
    file = io.BytesIO(_line(1) + b"\n{\n" + _line(2))
    assert [record.line for record in event_records(file, {2})] == [1, 3]


def test_of_many_bad_lines_the_first_twenty_are_shown() -> None:
    message = str(refuse("events.jsonl", [BadLine(number=n, reason="no") for n in range(1, 26)]))
    assert message.startswith("events.jsonl: 25 bad lines, nothing was sent")
    assert "line 20: no" in message
    assert "line 21" not in message
    assert message.endswith("and 5 lines more")
