"""What a dead letter keeps of the record that it is about: all of it, as far as its topic takes it. Pure.

A record that was compressed on its way in can be larger than any topic takes. What is cut is told in a header; the source has it whole.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from schemas import headers as names
from schemas.errors import ContractViolation
from schemas.topics import MAX_OUT_BYTES
from streams.domain.retry import Headers, Source, with_headers

__all__ = ["LARGEST_HEADERS", "LARGEST_KEY", "LARGEST_VALUE", "Kept", "kept", "refused"]

#: Bytes of each; a quarter of what the topic takes is left to the headers that are added.
LARGEST_VALUE = MAX_OUT_BYTES // 2
LARGEST_KEY = LARGEST_HEADERS = MAX_OUT_BYTES // 8


class Kept(NamedTuple):
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]


def kept(key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes]]) -> Kept:
    """The first bytes of a key or value that is too large; of headers that are too many none."""
    told: dict[str, int] = {}
    if value is not None and len(value) > LARGEST_VALUE:
        told[names.TRUNCATED_FROM], value = len(value), value[:LARGEST_VALUE]
    if key is not None and len(key) > LARGEST_KEY:
        told[names.KEY_TRUNCATED_FROM], key = len(key), key[:LARGEST_KEY]
    if names.size_of(headers) > LARGEST_HEADERS:
        told[names.HEADERS_LEFT_OUT], headers = len(headers), ()
    return Kept(key, value, [*headers, *((name, str(number).encode()) for name, number in told.items())])


def refused(headers: Headers, violation: ContractViolation, source: Source, now: datetime) -> list[tuple[str, bytes]]:
    """The headers with why the record was refused, and where it stands. Those of an earlier refusal give way."""
    added = {
        names.DEAD_LETTER_CODE: violation.code,
        names.DEAD_LETTER_REASON: violation.reason,
        names.SOURCE_TOPIC: source.topic,
        names.SOURCE_PARTITION: str(source.partition),
        names.SOURCE_OFFSET: str(source.offset),
        names.LAST_FAILURE: now.isoformat(),
    }
    return with_headers(headers, added)
