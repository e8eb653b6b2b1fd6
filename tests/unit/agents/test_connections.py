"""Connections over kills and rebalances: whatever a worker leaves half done is done by the next, and nothing by two."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from adapters.errors import ReconnectNeeded, ServiceFailing
from adapters.fakes.tokens import FakeTokens
from adapters.vault.seal import ConnectionAad, KeyRing
from schemas.codec import encode
from schemas.connections import ConnectionEvent, ConnectionGranted, ConnectionState, Service
from schemas.topics import Topics
from streams.agents.agendas import Agendas
from streams.agents.connection_intake import ConnectionIntake
from streams.agents.connections import Connections, grant_of
from streams.agents.revoking import REVOKE_ATTEMPTS
from streams.domain.agenda import Agenda, agenda_key, encode_agenda
from streams.engine.offsets import OffsetTracker
from tests.support.execution import ADA, CLASS_ID, NOW, agenda, applied, granted, held, intent, revoked
from tests.unit.agents.fakes import Broker, KilledError, Table

RING = KeyRing([("test", bytes(32))])
TOPICS = Topics(tiers=())


@dataclass
class Record:
    value: bytes | None
    offset: int
    key: bytes | None = ADA.encode()
    headers: Sequence[tuple[str, bytes]] = ()
    timestamp: int = -1


@dataclass
class Worker:
    """One life of a worker over tables that outlive it."""

    broker: Broker
    agenda: Table
    connections: Table
    tokens: FakeTokens
    offsets: OffsetTracker = field(default_factory=OffsetTracker)
    heard: list[str] = field(default_factory=list)
    died: list[Service] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.agendas = Agendas(topics=TOPICS, table=self.agenda, producer=self.broker, now=lambda: NOW)  # type: ignore[arg-type]
        self.it = Connections(
            topics=TOPICS,
            table=self.connections,  # type: ignore[arg-type]
            producer=self.broker,  # type: ignore[arg-type]
            ring=RING,
            token_ports={Service.GOOGLE: self.tokens},
            observe_refresh=lambda _service, _result: None,
            observe_death=self.died.append,
            now=lambda: NOW,
        )
        self.it.on_sweep(self.agendas.sweep, self.agendas.owes_removal)
        self.events = ConnectionIntake(connections=self.it, offsets=self.offsets, observe=self.heard.append)

    def again(self) -> "Worker":
        """The next life, on what was confirmed."""
        self.broker.die_before = None
        return Worker(self.broker, self.agenda, self.connections, self.tokens)

    async def hear(self, *events: ConnectionEvent) -> None:
        records = [Record(encode(event), offset) for offset, event in enumerate(events)]
        await self.events.run(stream(records))

    def standing(self, *, of: str = CLASS_ID) -> None:
        """A class that stands on ada's calendar."""
        row = agenda(intent(7), applied=applied())
        self.agenda.rows.write({agenda_key(ADA, of): encode_agenda(row)}, None)

    @property
    def states(self) -> list[ConnectionState]:
        return self.broker.states(TOPICS.connection_status)

    @property
    def swept(self) -> list[int]:
        return self.broker.revisions(TOPICS.intents_bulk)


def stream(records: list[Record]) -> Any:
    async def events() -> AsyncIterator[Any]:
        yield SimpleNamespace(message=SimpleNamespace(topic=TOPICS.connections), value=[(0, records)])

    return SimpleNamespace(noack=lambda: SimpleNamespace(events=events))


def sealed(number: int = 1, **changes: Any) -> ConnectionGranted:
    event = granted(number, **changes)
    aad = ConnectionAad(provider_id=ADA, service=event.service, grant_id=event.grant_id)
    return granted(number, sealed_refresh_token=RING.seal(f"refresh-{number}", aad), **changes)


@pytest.fixture
def worker() -> Worker:
    broker, tokens = Broker(), FakeTokens(Service.GOOGLE)
    for number in (1, 2):
        tokens.grant(f"refresh-{number}", ADA)
    return Worker(broker, Table(broker, "agenda"), Table(broker, "connections"), tokens)


async def test_a_grant_is_told_and_swept(worker: Worker) -> None:
    worker.standing()
    await worker.hear(sealed())
    assert (worker.states, worker.swept) == ([ConnectionState.CONNECTED], [7])
    assert worker.offsets.positions() == {(TOPICS.connections, 0): 1}


@pytest.mark.parametrize("sends", range(4))
async def test_a_worker_killed_at_any_send_of_a_grant_leaves_nothing_undone(worker: Worker, sends: int) -> None:
    """The status, the row, the sweep."""
    worker.standing()
    worker.broker.die_before = sends
    if sends < 3:
        with pytest.raises(KilledError):
            await worker.hear(sealed())
        assert worker.offsets.positions() == {}
    else:
        await worker.hear(sealed())
    await worker.again().hear(sealed())
    assert set(worker.states) == {ConnectionState.CONNECTED}
    assert set(worker.swept) == {7}
    assert worker.connections.rows.get(ADA.encode()) is not None


@pytest.mark.parametrize("sends", range(6))
@pytest.mark.parametrize("remove_events", [True, False])
async def test_a_worker_killed_at_any_send_of_a_disconnect_leaves_nothing_undone(worker: Worker, sends: int, remove_events: bool) -> None:
    await worker.hear(sealed())
    before = worker.broker.sends
    worker.standing()
    bye = revoked(remove_events=remove_events)
    worker.broker.die_before = before + sends
    with contextlib.suppress(KilledError):
        await worker.hear(bye)
    last = worker.again()
    await last.hear(bye)
    row = last.it.get(0, ADA)
    assert row.current is None
    if remove_events:
        assert worker.states[-1] is ConnectionState.DISCONNECTING
        assert set(worker.swept) == {7}
        assert row.retiring == (held(sealed_refresh_token=row.retiring[0].sealed_refresh_token),)
    else:
        assert worker.states[-1] is ConnectionState.DISCONNECTED
        assert row.retiring == ()
        assert "revoke" in [call.operation for call in worker.tokens.calls]


async def test_a_disconnect_with_nothing_to_remove_ends_at_once(worker: Worker) -> None:
    await worker.hear(sealed(), revoked(remove_events=True))
    assert worker.it.get(0, ADA).retiring == ()
    assert worker.states == [ConnectionState.CONNECTED, ConnectionState.DISCONNECTING, ConnectionState.DISCONNECTED]
    assert [call.operation for call in worker.tokens.calls] == ["revoke"]


@pytest.mark.parametrize(("failures", "asked"), [(1, 2), (REVOKE_ATTEMPTS + 1, REVOKE_ATTEMPTS)])
async def test_a_revocation_that_fails_is_repeated_a_few_times_and_the_tokens_go_all_the_same(
    worker: Worker, failures: int, asked: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []

    async def failing(refresh_token: str) -> None:
        tried.append(refresh_token)
        if len(tried) <= failures:
            raise ServiceFailing(Service.GOOGLE, "timeout")

    monkeypatch.setattr(worker.tokens, "revoke", failing)
    await worker.hear(sealed(), revoked())
    assert tried == ["refresh-1"] * asked
    assert worker.it.get(0, ADA).grants == ()
    assert worker.states[-1] is ConnectionState.DISCONNECTED


async def test_a_retiring_grant_ends_when_its_last_event_is_off_and_is_revoked_once(worker: Worker) -> None:
    worker.standing()
    await worker.hear(sealed(), revoked(remove_events=True))
    await worker.it.retire_done(0, ADA)
    assert ConnectionState.DISCONNECTED not in worker.states
    worker.agenda.rows.write({agenda_key(ADA, CLASS_ID): encode_agenda(Agenda(provider_id=ADA, class_id=CLASS_ID))}, None)
    await asyncio.gather(*(worker.it.retire_done(0, ADA) for _ in range(3)))
    assert worker.states == [ConnectionState.CONNECTED, ConnectionState.DISCONNECTING, ConnectionState.DISCONNECTED]
    assert [call.operation for call in worker.tokens.calls] == ["revoke"]


async def test_a_grant_that_is_ending_is_not_held_any_more(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody may begin to use it while it is being revoked."""
    await worker.hear(sealed())
    assert worker.it.holds(0, ADA, "grant-1")
    assert not worker.it.holds(0, ADA, "grant-2")
    seen: list[bool] = []
    revoke = worker.tokens.revoke

    async def looking(refresh_token: str) -> bool:
        seen.append(worker.it.holds(0, ADA, "grant-1"))
        return await revoke(refresh_token)

    monkeypatch.setattr(worker.tokens, "revoke", looking)
    await worker.hear(revoked(remove_events=True))
    assert seen == [False]
    assert not worker.it.holds(0, ADA, "grant-1")


async def test_tokens_of_a_grant_that_another_replaced_are_forgotten(worker: Worker) -> None:
    """Both are to the same account: the old one is not revoked, since that would end the new one too, but nobody needs it any more."""
    await worker.hear(sealed(1))
    current = worker.it.get(0, ADA).current
    assert current is not None
    await worker.it.keeper.access_token(grant_of(ADA, current))
    await worker.hear(sealed(2))
    assert repr(worker.it.keeper) == "TokenKeeper(connections=0, refreshing=0)"
    assert [call.operation for call in worker.tokens.calls] == ["refresh"]


async def test_an_account_that_is_connected_under_another_address_is_not_revoked(worker: Worker) -> None:
    """At Google either token ends the whole grant: the provider would have to connect once more."""
    worker.standing()
    await worker.hear(sealed(1, account_id="sub-1"), sealed(2, email="ada@married.example", account_id="sub-1"))
    await worker.it.retire_done(0, ADA)
    assert [call.operation for call in worker.tokens.calls] == []
    assert worker.states == [ConnectionState.CONNECTED] * 2


@pytest.mark.parametrize("remove_events", [True, False])
async def test_a_disconnect_that_is_read_together_with_a_new_grant_to_the_account_revokes_nothing(
    worker: Worker, remove_events: bool
) -> None:
    """execute was away while the provider disconnected and connected again: at Google the late revocation would end the new grant."""
    await worker.hear(sealed(1))
    await worker.hear(revoked(1, remove_events=remove_events), sealed(2))
    assert "revoke" not in [call.operation for call in worker.tokens.calls]
    assert [grant.grant_id for grant in worker.it.get(0, ADA).grants] == ["grant-2"]
    assert worker.states[-1] is ConnectionState.CONNECTED


@pytest.mark.parametrize("last", [None, b"{"], ids=["tombstone", "broken"])
async def test_what_follows_a_disconnect_does_not_keep_its_grant(worker: Worker, last: bytes | None) -> None:
    await worker.hear(sealed(1))
    await worker.events.run(stream([Record(encode(revoked(1)), 1), Record(last, 2)]))
    assert [call.operation for call in worker.tokens.calls] == ["revoke"]
    assert worker.it.get(0, ADA).grants == ()
    assert worker.offsets.positions() == {(TOPICS.connections, 0): 3}


async def test_a_dead_grant_is_told_once_however_many_find_out(worker: Worker) -> None:
    await worker.hear(sealed())
    error = ReconnectNeeded(Service.GOOGLE, "invalid_grant")
    await asyncio.gather(*(worker.it.grant_died(0, ADA, "grant-1", error) for _ in range(5)))
    assert worker.states == [ConnectionState.CONNECTED, ConnectionState.NEEDS_RECONNECT]
    assert worker.died == [Service.GOOGLE]


@pytest.mark.parametrize("sends", [0, 1])
async def test_a_worker_killed_while_a_grant_dies_has_the_portal_told_by_the_next(worker: Worker, sends: int) -> None:
    await worker.hear(sealed())
    worker.broker.die_before = worker.broker.sends + sends
    error = ReconnectNeeded(Service.GOOGLE, "invalid_grant")
    with pytest.raises(KilledError):
        await worker.it.grant_died(0, ADA, "grant-1", error)
    last = worker.again()
    await last.it.grant_died(0, ADA, "grant-1", error)
    assert set(worker.states[1:]) == {ConnectionState.NEEDS_RECONNECT}
    current = last.it.get(0, ADA).current
    assert current is not None
    assert not current.usable


async def test_a_retiring_grant_that_dies_ends_the_connection(worker: Worker) -> None:
    worker.standing()
    await worker.hear(sealed(), revoked(remove_events=True))
    await worker.it.grant_died(0, ADA, "grant-1", ReconnectNeeded(Service.GOOGLE, "invalid_grant"))
    assert worker.states[-1] is ConnectionState.DISCONNECTED


async def test_an_event_that_is_ignored_is_told_with_what_to_do(worker: Worker, caplog: pytest.LogCaptureFixture) -> None:
    """A grant imported with an old date, say: nobody would know why the provider does not come into force."""
    await worker.hear(sealed(1), sealed(2), revoked(2))
    await worker.hear(sealed(1), sealed(2), revoked(7), revoked(2))
    assert worker.heard == ["news", "news", "news", "older", "ended", "unknown", "repeat"]
    assert [(record.result, record.grant_id) for record in caplog.records if "changes nothing" in record.message] == [  # type: ignore[attr-defined]
        ("older", "grant-1"),
        ("ended", "grant-2"),
        ("unknown", "grant-7"),
    ]
    assert "connected again" in caplog.text


# rebalances


async def test_an_event_that_takes_too_long_is_given_up_before_its_partition_moves(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it would still do belongs to the next owner, who reads the event again."""
    await worker.hear(sealed())
    stuck = asyncio.Event()

    async def never(_refresh_token: str) -> bool:
        stuck.set()
        await asyncio.Event().wait()
        return True

    monkeypatch.setattr(worker.tokens, "revoke", never)
    committed = dict(worker.offsets.positions())
    of_another = Record(encode(granted(2, provider_id="bob")), 1, key=b"bob")
    hearing = asyncio.create_task(worker.events.run(stream([Record(encode(revoked()), 0), of_another])))
    await stuck.wait()
    worker.offsets.suspend()
    await worker.events.drain(timeout=0)
    sends = worker.broker.sends
    worker.offsets.reset()
    worker.it.tables_ready()
    await hearing
    assert worker.broker.sends == sends
    assert committed == {(TOPICS.connections, 0): 1}
    assert worker.offsets.positions() == {}


async def test_an_event_under_way_ends_before_its_partition_moves_and_the_next_is_left(worker: Worker) -> None:
    worker.standing()
    hearing = asyncio.create_task(worker.hear(sealed(1), sealed(2)))
    await asyncio.sleep(0)
    worker.offsets.suspend()
    await worker.events.drain(timeout=60)
    await hearing
    assert worker.swept == [7]
    assert worker.offsets.positions() == {(TOPICS.connections, 0): 1}


async def test_a_failure_in_an_event_is_not_swallowed(worker: Worker) -> None:
    worker.connections.rows.write({ADA.encode(): b"of another format"}, None)
    with pytest.raises(Exception, match="JSON"):
        await worker.hear(sealed())
    assert worker.offsets.positions() == {}


async def test_what_is_no_connection_event_is_left_out_and_done(worker: Worker) -> None:
    bad = [Record(None, 0), Record(b"{", 1), Record(encode(sealed()), 2, key=b"another"), Record(encode(sealed()), 3)]
    await worker.events.run(stream(bad))
    assert worker.states == [ConnectionState.CONNECTED]
    assert worker.heard == ["broken", "broken", "news"]
    assert worker.offsets.positions() == {(TOPICS.connections, 0): 4}
