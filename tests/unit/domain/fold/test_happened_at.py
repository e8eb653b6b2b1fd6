"""When an event happened: what it says, else when it was published; a time that cannot be one stops nobody's work."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from streams.domain.fold import happened_at

PUBLISHED_MS = 1_800_000_000_000
PUBLISHED = datetime.fromtimestamp(PUBLISHED_MS / 1000, UTC)


def test_the_events_own_time_counts_in_utc() -> None:
    said = datetime(2027, 3, 8, 9, 30, tzinfo=timezone(timedelta(hours=5)))
    assert happened_at(said, PUBLISHED_MS) == datetime(2027, 3, 8, 4, 30, tzinfo=UTC)
    assert happened_at(said.replace(tzinfo=None), PUBLISHED_MS) == datetime(2027, 3, 8, 9, 30, tzinfo=UTC)


def test_without_one_the_time_of_publishing_stands_in() -> None:
    assert happened_at(None, PUBLISHED_MS) == PUBLISHED
    assert happened_at(None, -1) is None


@pytest.mark.parametrize(
    ("said", "published"),
    [
        (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5))), PUBLISHED_MS),
        (datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-5))), PUBLISHED_MS),
        (None, 2**62),
    ],
)
def test_a_time_outside_of_the_calendar_is_not_known(said: datetime | None, published: int) -> None:
    assert happened_at(said, published) is None
