"""When a failed intent is tried again, and what it carries with it."""

from datetime import UTC, datetime, timedelta

import pytest

from schemas import headers as names
from streams.domain.retry import Failure, Headers, RetryPolicy, Source, Tried, dead_letter_headers, not_before, retry_headers, tried

SECOND = timedelta(seconds=1)
POLICY = RetryPolicy(tiers=(30 * SECOND, 300 * SECOND, 1800 * SECOND))
SOURCE = Source(topic="calendar.intents.v1", partition=3, offset=77)
FAILURE = Failure(error_class="ServiceFailing", reason="google: 503 backendError")
NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
ORIGINAL = (("content-type", b"application/json"), ("trace", b"a"), ("trace", b"b"))


def retry(headers: Headers, attempts: int, *, wait_until: datetime | None = None, now: datetime = NOW) -> list[tuple[str, bytes]]:
    return retry_headers(headers, source=SOURCE, failure=FAILURE, attempts=attempts, now=now, tier=30 * SECOND, wait_until=wait_until)


def test_there_is_one_attempt_more_than_tiers() -> None:
    assert [POLICY.tier(failed, timedelta()) for failed in (1, 2, 3, 4)] == [*POLICY.tiers, None]


def test_a_wait_that_the_service_asked_for_skips_the_tiers_that_are_too_short() -> None:
    assert POLICY.tier(1, 30 * SECOND) == 30 * SECOND
    assert POLICY.tier(1, 31 * SECOND) == 300 * SECOND
    assert POLICY.tier(2, 1000 * SECOND) == 1800 * SECOND


def test_a_wait_longer_than_every_tier_takes_the_longest() -> None:
    assert POLICY.tier(1, timedelta(days=1)) == 1800 * SECOND
    assert POLICY.tier(4, timedelta(days=1)) is None


def test_what_was_never_tried_starts_at_the_first_tier() -> None:
    assert POLICY.tier(0, timedelta()) == 30 * SECOND


def test_without_end_the_last_tier_comes_again() -> None:
    waits = [POLICY.tier_without_end(failed, timedelta()) for failed in (1, 3, 4, 9)]
    assert waits == [30 * SECOND, *[1800 * SECOND] * 3]
    assert POLICY.tier_without_end(9, timedelta(days=1)) == 1800 * SECOND


def test_a_policy_without_tiers_gives_up_at_once() -> None:
    assert RetryPolicy(tiers=()).tier(1, timedelta()) is None


def test_a_first_try_carries_nothing() -> None:
    assert tried(ORIGINAL) == Tried(attempts=0, first_failure=None)
    assert not_before(ORIGINAL) is None


def test_a_retry_keeps_the_original_headers_and_says_why_and_when() -> None:
    headers = retry(ORIGINAL, 1)
    assert headers[: len(ORIGINAL)] == list(ORIGINAL)
    assert dict(headers[len(ORIGINAL) :]) == {
        names.ATTEMPT: b"1",
        names.FIRST_FAILURE: NOW.isoformat().encode(),
        names.LAST_FAILURE: NOW.isoformat().encode(),
        names.ERROR_CLASS: b"ServiceFailing",
        names.SOURCE_TOPIC: b"calendar.intents.v1",
        names.SOURCE_PARTITION: b"3",
        names.SOURCE_OFFSET: b"77",
        names.DUE: str(int((NOW + 30 * SECOND).timestamp() * 1000)).encode(),
    }
    assert tried(headers) == Tried(attempts=1, first_failure=NOW.isoformat())


def test_every_header_stands_once_however_often_it_was_tried() -> None:
    later = NOW + timedelta(hours=1)
    headers = retry(retry(retry(ORIGINAL, 1), 2), 3, now=later)
    added = [name for name, _ in headers if name.startswith("impact-")]
    assert len(added) == len(set(added))
    assert tried(headers) == Tried(attempts=3, first_failure=NOW.isoformat())
    assert dict(headers)[names.LAST_FAILURE] == later.isoformat().encode()


def test_a_retry_remembers_where_it_was_first_consumed_from() -> None:
    elsewhere = Source(topic="calendar.intents.v1-bulk", partition=0, offset=1)
    headers = retry_headers(retry(ORIGINAL, 1), source=elsewhere, failure=FAILURE, attempts=2, now=NOW, tier=SECOND, wait_until=None)
    assert dict(headers)[names.SOURCE_TOPIC] == b"calendar.intents.v1"
    assert dict(headers)[names.SOURCE_OFFSET] == b"77"


def test_a_moment_before_which_nothing_may_be_called_is_carried_once() -> None:
    until = NOW + timedelta(hours=5, milliseconds=250)
    headers = retry(ORIGINAL, 1, wait_until=until)
    assert not_before(headers) == until
    assert not_before(retry(headers, 2)) is None


def test_a_dead_letter_keeps_the_original_headers_and_says_why() -> None:
    headers = dead_letter_headers(retry(ORIGINAL, 3, wait_until=NOW), source=SOURCE, failure=FAILURE, attempts=4, now=NOW)
    found = dict(headers)
    assert headers[: len(ORIGINAL)] == list(ORIGINAL)
    assert (found[names.DEAD_LETTER_CODE], found[names.DEAD_LETTER_REASON]) == (b"ServiceFailing", b"google: 503 backendError")
    assert found[names.ATTEMPT] == b"4"
    assert names.DUE not in found
    assert names.NOT_BEFORE not in found


@pytest.mark.parametrize("garbled", [b"", b"x", b"-1", b"1.5", b"\xff", "٣".encode(), b"9" * 15, b"9" * 5000])
def test_a_garbled_number_counts_as_never_set(garbled: bytes) -> None:
    headers = ((names.ATTEMPT, garbled), (names.NOT_BEFORE, garbled))
    assert (tried(headers).attempts, not_before(headers)) == (0, None)


def test_the_largest_number_that_counts_is_still_a_time() -> None:
    until = not_before(((names.NOT_BEFORE, b"9" * 14),))
    assert until is not None
    assert until.year == 5138


def test_a_header_without_a_value_counts_as_never_set() -> None:
    headers: Headers = ((names.ATTEMPT, None),)  # type: ignore[assignment] # Kafka allows it
    assert tried(headers).attempts == 0


def test_a_retry_that_only_waits_on_keeps_what_failed_before() -> None:
    once = retry(ORIGINAL, 2, wait_until=NOW + timedelta(hours=1))
    later = NOW + timedelta(minutes=1)
    again = retry_headers(once, source=SOURCE, failure=None, attempts=2, now=later, tier=30 * SECOND, wait_until=NOW + timedelta(hours=1))
    due = str(int((later + 30 * SECOND).timestamp() * 1000)).encode()
    assert dict(again) == {**dict(once), names.DUE: due}
