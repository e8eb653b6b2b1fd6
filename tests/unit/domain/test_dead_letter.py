"""What a dead letter keeps of a record, which may be too large for any topic since it was compressed on its way in, and what it adds."""

from datetime import UTC, datetime

from schemas import headers as names
from schemas.errors import ContractViolation
from streams.domain.dead_letter import LARGEST_HEADERS, LARGEST_KEY, LARGEST_VALUE, kept, refused
from streams.domain.retry import Source

TRACE = [("trace", b"a"), ("trace", b"b")]


def test_what_fits_is_kept_byte_for_byte() -> None:
    for record in ((None, None, []), (b"k" * LARGEST_KEY, b"v" * LARGEST_VALUE, TRACE)):
        assert kept(*record) == record


def test_the_first_bytes_of_a_payload_or_key_that_is_too_large_are_kept_and_its_size_is_told() -> None:
    key, value, headers = kept(b"k" * (LARGEST_KEY + 1), b"v" * (LARGEST_VALUE + 7), TRACE)
    assert (key, value) == (b"k" * LARGEST_KEY, b"v" * LARGEST_VALUE)
    told = {names.TRUNCATED_FROM: str(LARGEST_VALUE + 7).encode(), names.KEY_TRUNCATED_FROM: str(LARGEST_KEY + 1).encode()}
    assert headers == [*TRACE, *told.items()]


def test_headers_that_are_too_large_together_are_left_out_and_counted() -> None:
    many = [("h", b"x" * 100)] * (LARGEST_HEADERS // 100)
    assert kept(b"k", b"v", many) == (b"k", b"v", [(names.HEADERS_LEFT_OUT, str(len(many)).encode())])


def test_why_and_where_a_record_was_refused_is_told_once_however_often_it_was() -> None:
    violation = ContractViolation("bad_data", "data.title: missing")
    first = refused(TRACE, violation, Source(topic="in", partition=3, offset=7), datetime(2027, 1, 1, tzinfo=UTC))
    again = refused(first, violation, Source(topic="in", partition=3, offset=9), datetime(2027, 1, 2, tzinfo=UTC))
    assert again == [
        *TRACE,
        (names.DEAD_LETTER_CODE, b"bad_data"),
        (names.DEAD_LETTER_REASON, b"data.title: missing"),
        (names.SOURCE_TOPIC, b"in"),
        (names.SOURCE_PARTITION, b"3"),
        (names.SOURCE_OFFSET, b"9"),
        (names.LAST_FAILURE, b"2027-01-02T00:00:00+00:00"),
    ]
