"""Which records are due, which head is waited for, where each goes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import headers as names
from schemas.topics import MAX_IN_BYTES, Topics
from streams.engine.redelivery_plan import Routes, make_plan, tier_of

NOW = 1_900_000_000_000
TOPICS = Topics(tiers=[timedelta(seconds=30), timedelta(minutes=5)], prefix="x.")
ROUTES = Routes(TOPICS)


@dataclass
class Record:
    offset: int = 0
    headers: Sequence[tuple[str, bytes]] = ()
    topic: str = "x.calendar.intents.v1-retry-30s"
    partition: int = 0
    key: bytes | None = b"provider-1"
    value: bytes | None = b"{}"


def due(offset: int, at: int) -> Record:
    return Record(offset=offset, headers=[(names.DUE, str(at).encode())])


def test_records_up_to_the_first_that_is_not_due_go_back_and_that_one_is_waited_for() -> None:
    records = [due(4, NOW - 1), due(7, NOW), due(8, NOW + 500), due(9, NOW - 1)]
    plan = make_plan(records, NOW)
    assert list(plan.due) == records[:2]
    assert (plan.held_at, plan.wake_at, plan.undated) == (8, NOW + 500, 0)


def test_nothing_is_waited_for_when_all_are_due() -> None:
    plan = make_plan([due(1, NOW), Record(offset=2)], NOW)
    assert (len(plan.due), plan.held_at, plan.undated) == (2, None, 1)


@pytest.mark.parametrize("raw", [b"", b"soon", b"-1", b"1e12", b" 5", "٣".encode(), b"\xff", b"9" * 15, b"9" * 16])
def test_an_unreadable_or_absurd_due_time_is_due_at_once(raw: bytes) -> None:
    plan = make_plan([Record(offset=3, headers=[(names.DUE, raw)])], NOW)
    assert (len(plan.due), plan.undated, plan.held_at) == (1, 1, None)


@given(st.lists(st.integers(NOW - 5, NOW + 5) | st.none(), max_size=20))
def test_no_record_goes_back_before_it_is_due_and_none_is_passed_over(times: list[int | None]) -> None:
    records = [Record(offset=index) if at is None else due(index, at) for index, at in enumerate(times)]
    plan = make_plan(records, NOW)
    assert list(plan.due) == records[: len(plan.due)]
    assert all(at is None or at <= NOW for at in times[: len(plan.due)])
    if plan.held_at is None:
        assert len(plan.due) == len(records)
    else:
        assert plan.held_at == len(plan.due)
        assert plan.wake_at == times[plan.held_at]
        assert plan.wake_at > NOW


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (b"x.calendar.intents.v1", "x.calendar.intents.v1"),
        (b"x.calendar.intents.v1-bulk", "x.calendar.intents.v1-bulk"),
        (b"calendar.intents.v1-bulk", "x.calendar.intents.v1"),
        (b"x.calendar.intents.v1-retry-30s", "x.calendar.intents.v1"),
        (b"\xff", "x.calendar.intents.v1"),
        (None, "x.calendar.intents.v1"),
    ],
)
def test_a_record_goes_back_to_its_lane_and_nowhere_else(source: bytes | None, target: str) -> None:
    headers = [("a", b"1"), ("a", b"2"), *([(names.SOURCE_TOPIC, source)] if source is not None else [])]
    outgoing = ROUTES.route(Record(headers=headers))
    assert (outgoing.topic, outgoing.headers, outgoing.refused) == (target, headers, None)


def test_a_record_that_its_lane_would_refuse_is_dead_lettered_with_its_headers() -> None:
    record = Record(value=bytes(MAX_IN_BYTES), headers=[(names.ATTEMPT, b"2"), (names.DUE, b"1"), (names.NOT_BEFORE, b"2"), ("x", b"y")])
    outgoing = ROUTES.route(record)
    told = dict(outgoing.headers)
    assert (outgoing.topic, outgoing.refused) == (TOPICS.intents_dlq, "too_large")
    assert (told[names.ATTEMPT], told["x"], told[names.DEAD_LETTER_CODE]) == (b"2", b"y", b"too_large")
    assert str(MAX_IN_BYTES).encode() in told[names.DEAD_LETTER_REASON]
    assert not {names.DUE, names.NOT_BEFORE} & told.keys()


def test_retry_topics_are_recognised_in_force_or_not() -> None:
    assert ROUTES.configured() == {"x.calendar.intents.v1-retry-30s", "x.calendar.intents.v1-retry-5m"}
    assert ROUTES.is_retry_topic("x.calendar.intents.v1-retry-7m")
    assert not ROUTES.is_retry_topic("calendar.intents.v1-retry-30s")
    assert not ROUTES.is_retry_topic(TOPICS.intents_dlq)
    assert tier_of(TOPICS.retry(timedelta(minutes=5))) == "5m"
