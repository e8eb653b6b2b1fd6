"""Batches of other sizes than tests usually have: larger than one statement, and larger than is worth naming."""

from datetime import date

import msgspec
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.read_model import queries, store, upserts
from adapters.read_model.queries import ReadModelQueries
from adapters.read_model.store import ReadModelStore
from adapters.read_model.views import ClassQuery
from schemas.events import ClassEvent
from tests.integration.read_model.folding import NOW, Writer
from tests.support.class_events import added, relocated, scheduled

MARCH = ClassQuery(first_day=date(2027, 3, 1), last_day=date(2027, 3, 31))


def of(class_id: str, event: ClassEvent) -> ClassEvent:
    return msgspec.structs.replace(event, class_id=class_id)


@pytest.fixture
async def writer(writing: AsyncEngine) -> Writer:
    made = ReadModelStore(writing, "test")
    await made.take_over()
    return Writer(made)


@pytest.fixture
def model(reading: AsyncEngine) -> ReadModelQueries:
    return ReadModelQueries(reading, clock=lambda: NOW)


async def test_a_change_too_large_to_name_or_too_long_ago_is_still_told(
    writer: Writer, model: ReadModelQueries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "MOST_NAMED", 3)
    monkeypatch.setattr(store, "KEPT_BATCHES", 4)
    monkeypatch.setattr(queries, "KEPT_BATCHES", 4)
    start = (await model.changes_since(None)).cursor
    await writer.events(*(of(f"c{number}", scheduled()) for number in range(4)))
    changes = await model.changes_since(start)
    assert (changes.many, changes.class_ids, changes.more) == (True, frozenset(), False)
    for version in range(2, 6):
        await writer.events(of("c1", added(version)))
    kept = await model.changes_since(changes.cursor)
    assert (kept.many, kept.class_ids) == (False, {"c1"})
    assert (await model.changes_since(start)).many
    await writer.store.clear()
    assert (await model.changes_since(kept.cursor)).many


async def test_a_batch_that_no_statement_takes_whole_is_written_whole(
    writing: AsyncEngine, model: ReadModelQueries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upserts, "_MOST_PARAMETERS", 16 * 20)
    writer = Writer(ReadModelStore(writing, "small"))
    await writer.store.take_over()
    names = [f"c{number}" for number in range(50)]
    await writer.events(*(of(name, scheduled()) for name in names))
    await writer.events(*(of(name, relocated(2, f"Room {name}")) for name in names), *(of(name, added(3)) for name in names))
    cards = {card.class_id: (card.location, card.booked) for card in await model.classes(MARCH)}
    assert cards == {name: (f"Room {name}", True) for name in names}
    timeline = await model.timeline(names[-1])
    assert timeline is not None
    assert [step.revision for step in timeline.steps] == [1, 2, 3]
