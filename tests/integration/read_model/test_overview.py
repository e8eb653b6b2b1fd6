"""A period in brief says what reading every class of it would: on both databases."""

import random
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.portal.classes.entries import by_day, worst_mark
from adapters.read_model.marks import WORST_FIRST, EntryState, MarkReason, mark_of
from adapters.read_model.queries import ReadModelQueries
from adapters.read_model.standing import at, ranked
from adapters.read_model.store import ReadModelStore
from adapters.read_model.tables import classes, connections, entries, providers
from adapters.read_model.views import BookedStatus, ClassQuery, Mark
from schemas.connections import ConnectionState, Service
from schemas.events import ClassSnapshotted, Presence
from schemas.outcomes import OutcomeKind
from tests.integration.read_model.folding import NOW, Writer, connection, outcome
from tests.support.class_events import snapshotted

FIRST, LAST = date(2027, 2, 28), date(2027, 4, 3)
PROPER = date(2027, 3, 1), date(2027, 3, 31)
WHO = ("ada", "bob", "cleo")
MOST = 4

QUERIES: dict[str, dict[str, Any]] = {
    "all": {},
    "providers": {"provider_ids": frozenset({"ada", "cleo"})},
    "types": {"class_types": frozenset({"Yoga"})},
    "presence": {"presences": frozenset({Presence.ONLINE, Presence.HYBRID})},
    "booked": {"booked_statuses": frozenset({BookedStatus.BOOKED})},
    "cancelled": {"booked_statuses": frozenset({BookedStatus.CANCELLED})},
    "own": {"provider_restriction": "bob"},
    "own and filtered": {"provider_restriction": "bob", "class_types": frozenset({"Piano"}), "provider_ids": frozenset({"ada"})},
}


@pytest.mark.parametrize("asked", QUERIES.values(), ids=QUERIES)
async def test_days_and_marks_are_those_of_all_cards(writing: AsyncEngine, reading: AsyncEngine, asked: dict[str, Any]) -> None:
    await _fill(writing)
    queries = ReadModelQueries(reading, clock=lambda: NOW)
    query = ClassQuery(first_day=FIRST, last_day=LAST, **asked)
    overview = await queries.overview(query, PROPER, MOST)
    days = [FIRST + timedelta(days=number) for number in range((LAST - FIRST).days + 1)]
    expected = {day: (len(cards), cards[:MOST]) for day, cards in by_day(await queries.classes(query), days).items() if cards}
    assert {day.day: (day.count, list(day.shown)) for day in overview.days} == expected
    of_month = await queries.classes(ClassQuery(first_day=PROPER[0], last_day=PROPER[1], **asked))
    assert dict(overview.marks) == Counter(worst_mark(card.marks) for card in of_month)
    assert overview.count == len(of_month) > 0


async def test_a_period_without_classes_is_empty(writing: AsyncEngine, reading: AsyncEngine) -> None:
    overview = await ReadModelQueries(reading).overview(ClassQuery(first_day=FIRST, last_day=LAST), PROPER, MOST)
    assert (overview.days, overview.marks, overview.count) == ((), (), 0)


async def _fill(writing: AsyncEngine) -> None:
    """Some over midnight or for days, some that began before, some given by somebody else before; every outcome."""
    store = ReadModelStore(writing, "test")
    await store.take_over()
    writer, rng = Writer(store), random.Random(5)
    await writer.statuses(
        connection(ConnectionState.CONNECTED, provider_id="ada"), connection(ConnectionState.DISCONNECTING, provider_id="bob")
    )
    made = [_class(rng, f"c-{number:03d}", 1) for number in range(260)]
    again = [_class(rng, one.class_id, 2) for one in made if rng.random() < 0.3]
    await writer.events(*made)
    for version, told in ((1, made), (2, again)):
        if version == 2:
            await writer.events(*again)
        kinds = [kind for kind in OutcomeKind if kind is not OutcomeKind.SUPERSEDED]
        await writer.outcomes(
            *(
                outcome(rng.choice(kinds), class_id=one.class_id, provider_id=who, revision=version)
                for one in told
                for who in one.provider_ids
                if rng.random() < 0.7
            )
        )


def _class(rng: random.Random, class_id: str, version: int) -> ClassSnapshotted:
    starts_at = datetime(2027, 2, 26) + timedelta(days=rng.randrange(38), minutes=15 * rng.randrange(96))
    length = rng.choice((0, 45, 60, 60, 90, 24 * 60, 3 * 24 * 60))
    ends_at = (
        datetime.combine(starts_at.date() + timedelta(days=1), datetime.min.time())
        if length == 45
        else starts_at + timedelta(minutes=length)
    )
    students = ("student-1",) if rng.random() < 0.8 else ()
    made = snapshotted(
        version,
        *students,
        class_type=rng.choice(("Yoga", "Piano")),
        starts_at=starts_at,
        ends_at=ends_at,
        presence=rng.choice(list(Presence)),
        provider_ids=tuple(rng.sample(WHO, rng.choice((1, 1, 2)))),
        cancelled=rng.random() < 0.15,
    )
    return replace(made, class_id=class_id)


async def test_a_mark_in_sql_is_the_mark(writing: AsyncEngine, reading: AsyncEngine) -> None:
    """Every entry that there can be, each of a class of its own."""
    cases = {f"c-{number:04d}": case for number, case in enumerate(_cases())}
    async with writing.begin() as transaction:
        await transaction.execute(insert(connections), [_connection(state) for state in ConnectionState])
        await transaction.execute(insert(classes), [_row(class_id, ended) for class_id, (_, _, ended) in cases.items()])
        pairs = {class_id: _provider(state) for class_id, (_, state, _) in cases.items()}
        await transaction.execute(insert(providers), [{"class_id": one, "provider_id": who} for one, who in pairs.items()])
        await transaction.execute(insert(entries), [_entry(one, pairs[one], entry) for one, (entry, _, _) in cases.items()])
    async with reading.connect() as connection:
        rows = (await connection.execute(ranked((), None), at(NOW))).all()
    assert {class_id: WORST_FIRST[rank] for class_id, rank in rows} == {class_id: _expected(*case) for class_id, case in cases.items()}


def _cases() -> Iterator[tuple[EntryState, ConnectionState | None, bool]]:
    truths = (False, True)
    kinds, services = (None, *OutcomeKind), (None, *Service)
    for wanted, standing, heard, kind, service, state, ended in product(
        truths, truths, truths, kinds, services, (None, *ConnectionState), truths
    ):
        entry = EntryState(
            wanted=wanted, revision=3, standing=standing, outcome_kind=kind, outcome_revision=3 if heard else 2, outcome_service=service
        )
        yield entry, state, ended


def _expected(entry: EntryState, state: ConnectionState | None, ended: bool) -> Mark:
    """Of a class that is booked: an entry that has nothing to say is then on its way."""
    mark, reason = mark_of(entry, state, ended=ended, service=None if state is None else Service.GOOGLE)
    return Mark.WAITING if reason == MarkReason.NOT_BOOKED else mark


def _provider(state: ConnectionState | None) -> str:
    return "nobody" if state is None else state.value


def _connection(state: ConnectionState) -> dict[str, Any]:
    known = {"grant_id": "g", "service": Service.GOOGLE.value, "email": "e", "connected_at": NOW, "changed_at": NOW}
    return {"provider_id": _provider(state), "state": state.value, **known}


def _row(class_id: str, ended: bool) -> dict[str, Any]:
    ends = NOW + timedelta(hours=-2 if ended else 2)
    at = {"starts_at": ends.replace(tzinfo=None) - timedelta(hours=1), "ends_on": ends.date(), "ends_utc": ends}
    return {"class_id": class_id, "version": 3, "spans_days": False, "status": "booked", "student_count": 1, "state": b"", **at}


def _entry(class_id: str, provider_id: str, entry: EntryState) -> dict[str, Any]:
    return {
        "class_id": class_id,
        "provider_id": provider_id,
        "wanted": entry.wanted,
        "revision": entry.revision,
        "standing": entry.standing,
        "outcome_kind": None if entry.outcome_kind is None else entry.outcome_kind.value,
        "outcome_revision": entry.outcome_revision,
        "outcome_service": None if entry.outcome_service is None else entry.outcome_service.value,
        "seq": 1,
    }
