"""Kafka header names that this product adds. Values are UTF-8; times are RFC 3339 in UTC but where said otherwise, numbers decimal."""

from collections.abc import Iterable

__all__ = [
    "ATTEMPT",
    "DEAD_LETTER_CODE",
    "DEAD_LETTER_REASON",
    "DUE",
    "ERROR_CLASS",
    "FIRST_FAILURE",
    "HEADERS_LEFT_OUT",
    "KEY_TRUNCATED_FROM",
    "LAST_FAILURE",
    "NOT_BEFORE",
    "SOURCE_OFFSET",
    "SOURCE_PARTITION",
    "SOURCE_TOPIC",
    "TRUNCATED_FROM",
    "size_of",
]

#: How many times the intent has been tried and failed; absent on the first try.
ATTEMPT = "impact-attempt"
#: When redelivery moves the message back: Unix time in milliseconds.
DUE = "impact-due"
#: The service asked not to be called before: Unix time in milliseconds. Later than DUE when Retry-After exceeds the longest tier.
NOT_BEFORE = "impact-not-before"
FIRST_FAILURE = "impact-first-failure"
LAST_FAILURE = "impact-last-failure"
#: The class of the last error, by what happens next.
ERROR_CLASS = "impact-error-class"
#: Where the message was first consumed from; redelivery publishes back to this topic.
SOURCE_TOPIC = "impact-source-topic"
SOURCE_PARTITION = "impact-source-partition"
SOURCE_OFFSET = "impact-source-offset"
DEAD_LETTER_CODE = "impact-dead-letter-code"
DEAD_LETTER_REASON = "impact-dead-letter-reason"
#: Bytes of the original payload, where it was too large for a dead-letter topic; the source topic has it whole.
TRUNCATED_FROM = "impact-truncated-from"
#: The same of the original key.
KEY_TRUNCATED_FROM = "impact-key-truncated-from"
#: How many of the original headers were left out, where they were too large together.
HEADERS_LEFT_OUT = "impact-headers-left-out"


def size_of(headers: Iterable[tuple[str, bytes | None]]) -> int:
    """Bytes that headers take in a record batch, rounded up."""
    return sum(len(name.encode()) + len(value or b"") + 10 for name, value in headers)
