"""Lines of CloudEvents to records for the topic of class events."""

from collections.abc import Collection, Iterator
from typing import IO

import msgspec

from schemas.envelope import CONTENT_TYPE, STRUCTURED, decode_event
from schemas.errors import ContractViolation
from streams.cli.lines import BadLine, numbered
from streams.cli.sending import OutgoingRecord

__all__ = ["check_events", "event_records"]

_HEADERS = ((CONTENT_TYPE, STRUCTURED),)


class _Data(msgspec.Struct):
    class_id: str


class _Line(msgspec.Struct):
    data: _Data


_line = msgspec.json.Decoder(_Line)


def check_events(file: IO[bytes]) -> tuple[int, list[BadLine]]:
    """How many lines keep the contract of class events, and those that break it."""
    good, bad = 0, []
    for number, line in numbered(file):
        try:
            decode_event(_key(line), line, _HEADERS)
        except ContractViolation as violation:
            bad.append(BadLine(number=number, reason=violation.reason))
        else:
            good += 1
    return good, bad


def event_records(file: IO[bytes], skipped: Collection[int]) -> Iterator[OutgoingRecord]:
    """The records of lines that were checked; `skipped`: numbers of lines left out. The bytes of a line are sent as they stand."""
    for number, line in numbered(file):
        if number not in skipped:
            yield OutgoingRecord(line=number, key=_key(line), value=line, headers=_HEADERS)


def _key(line: bytes) -> bytes:
    """data.class_id; empty where there is none, which breaks the contract in turn."""
    try:
        return _line.decode(line).data.class_id.encode()
    except (msgspec.DecodeError, UnicodeError):
        return b""
