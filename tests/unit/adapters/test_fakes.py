"""What the fakes have beyond the ports: scripted failures, a gate, counts, and the caller's side of the contract."""

import asyncio
from datetime import UTC, datetime

import msgspec
import pytest

from adapters.errors import CalendarError, EventGone, ServiceFailing, Throttled, Unauthorized
from adapters.fakes import FakeCalendar, FakeTokens
from adapters.ports import EventMark
from schemas.connections import Service
from schemas.events import Kind, Presence
from schemas.intents import CalendarEntry

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
ENTRY = CalendarEntry(
    title="Yoga",
    kind=Kind.CLASS,
    class_type="Yoga",
    starts_at=datetime(2026, 3, 2, 9),
    ends_at=datetime(2026, 3, 2, 10),
    time_zone="Europe/Paris",
    location="Hall 2",
    presence=Presence.ONLINE,
)


def mark(class_id: str = "c-1", generation: int = 1) -> EventMark:
    return EventMark(provider_id="p-1", class_id=class_id, revision=1, generation=generation, grant_id="g-1")


def down() -> CalendarError:
    return ServiceFailing(Service.GOOGLE, "dropped")


async def test_a_failure_before_the_work_leaves_nothing_and_one_after_it_leaves_the_event() -> None:
    fake = FakeCalendar()
    for after in (False, True):
        fake.script.fail(down, after=after)
        with pytest.raises(ServiceFailing):
            await fake.create("t", ENTRY, mark())
        assert bool(fake.standing()) is after


async def test_a_failure_strikes_as_often_and_where_it_was_told_to() -> None:
    fake = FakeCalendar()
    fake.script.fail(lambda: Throttled(Service.GOOGLE, "slow", retry_after=3.0), operation="find", times=2)
    await fake.create("t", ENTRY, mark())
    for _ in range(2):
        with pytest.raises(Throttled):
            await fake.find("t", mark())
    assert await fake.find("t", mark()) is not None

    fake.script.fail(down, times=None)
    for _ in range(3):
        with pytest.raises(ServiceFailing):
            await fake.find("t", mark())
    fake.script.clear()
    assert await fake.find("t", mark()) is not None


async def test_a_failure_can_be_for_one_mailbox() -> None:
    tokens = FakeTokens(Service.GOOGLE)
    tokens.grant("r-anna", "anna")
    tokens.grant("r-ben", "ben")
    fake = FakeCalendar(tokens=tokens)
    fake.script.fail(down, mailbox="ben")
    anna, ben = [(await tokens.refresh(refresh, NOW)).access_token for refresh in ("r-anna", "r-ben")]
    await fake.create(anna, ENTRY, mark())
    with pytest.raises(ServiceFailing):
        await fake.create(ben, ENTRY, mark())
    assert [event.mailbox for event in fake.standing()] == ["anna"]


async def test_one_mailbox_does_not_reach_the_events_of_another() -> None:
    tokens = FakeTokens(Service.GOOGLE)
    tokens.grant("r-anna", "anna")
    tokens.grant("r-ben", "ben")
    fake = FakeCalendar(tokens=tokens)
    anna, ben = [(await tokens.refresh(refresh, NOW)).access_token for refresh in ("r-anna", "r-ben")]
    made = await fake.create(anna, ENTRY, mark())
    with pytest.raises(EventGone):
        await fake.update(ben, made.remote_id, ENTRY, mark())
    assert await fake.delete(ben, made.remote_id) is False
    assert await fake.find(ben, mark()) is None
    assert len(fake.standing("anna")) == 1


async def test_calls_are_recorded_and_counted_while_the_gate_holds_them() -> None:
    fake = FakeCalendar()
    fake.gate.clear()
    tasks = [asyncio.ensure_future(fake.create("t", ENTRY, mark(f"c-{number}"))) for number in range(3)]
    await fake.held(3)
    assert (fake.in_flight[""], fake.standing()) == (3, [])
    fake.gate.set()
    await asyncio.gather(*tasks)
    assert (fake.in_flight[""], fake.most_in_flight[""], len(fake.standing())) == (0, 3, 3)
    assert [call.operation for call in fake.calls] == ["create"] * 3


async def test_two_calls_at_once_for_one_provider_and_class_are_the_callers_fault() -> None:
    fake = FakeCalendar()
    fake.gate.clear()
    first = asyncio.ensure_future(fake.create("t", ENTRY, mark()))
    await fake.held(1)
    with pytest.raises(AssertionError, match="two calls at once"):
        await fake.find("t", mark(generation=2))
    fake.gate.set()
    await first


async def test_a_caller_that_breaks_the_contract_is_told() -> None:
    fake = FakeCalendar()
    aware = msgspec.structs.replace(ENTRY, starts_at=NOW, ends_at=NOW)
    with pytest.raises(AssertionError, match="wall times"):
        await fake.create("t", aware, mark())
    with pytest.raises(AssertionError, match="never empty"):
        await fake.create("", ENTRY, mark())
    await fake.close()
    with pytest.raises(AssertionError, match="closed"):
        await fake.create("t", ENTRY, mark())


async def test_expired_access_is_unauthorized_until_it_is_refreshed() -> None:
    tokens = FakeTokens(Service.GOOGLE)
    tokens.grant("r", "anna")
    fake = FakeCalendar(tokens=tokens)
    old = (await tokens.refresh("r", NOW)).access_token
    tokens.expire_access("anna")
    with pytest.raises(Unauthorized):
        await fake.find(old, mark())
    assert await fake.find((await tokens.refresh("r", NOW)).access_token, mark()) is None


async def test_a_rotated_refresh_token_ends_the_old_one() -> None:
    tokens = FakeTokens(Service.MICROSOFT, rotates=True)
    tokens.grant("r", "anna")
    granted = await tokens.refresh("r", NOW)
    assert granted.refresh_token is not None
    with pytest.raises(CalendarError):
        await tokens.refresh("r", NOW)
    await tokens.refresh(granted.refresh_token, NOW)
