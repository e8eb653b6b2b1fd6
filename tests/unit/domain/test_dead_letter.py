"""What a dead letter keeps of a record that is larger than any topic takes, since it was compressed on its way in."""

from schemas import headers as names
from streams.domain.dead_letter import LARGEST_HEADERS, LARGEST_KEY, LARGEST_VALUE, kept

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
