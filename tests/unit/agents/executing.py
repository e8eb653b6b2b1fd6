"""The executor over fakes: calendars and a token endpoint in memory, tables and a broker in memory, and a clock that the test moves."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from adapters.fakes.calendar import FakeCalendar
from adapters.fakes.tokens import FakeTokens
from adapters.vault.seal import ConnectionAad, KeyRing
from schemas import headers as names
from schemas.codec import decode_outcome, encode
from schemas.connections import Service
from schemas.intents import Intent, Lane
from schemas.outcomes import Outcome, OutcomeKind
from schemas.topics import Topics
from streams.agents.actions import Actions
from streams.agents.agendas import Agendas
from streams.agents.calls import Calls
from streams.agents.connections import Connections
from streams.agents.endings import Endings
from streams.agents.execute import Executor
from streams.agents.items import Item
from streams.agents.results import Results
from streams.agents.services import Services
from streams.domain.agenda import Agenda, agenda_key, decode_agenda, encode_agenda, intent_of
from streams.domain.circuit import CircuitPolicy
from streams.domain.connection import Connection, Held, encode_connection_row
from streams.domain.retry import RetryPolicy, Source
from streams.metrics import make_metrics
from tests.support.execution import ADA, CLASS_ID, NOW, connected, held
from tests.unit.agents.fakes import Broker, Table

__all__ = ["ROW", "SETTLE", "TIERS", "TOPICS", "Execution", "grant"]

RING = KeyRing([("test", bytes(32))])
TIERS = (timedelta(seconds=30), timedelta(minutes=5))
TOPICS = Topics(tiers=TIERS)
SETTLE = timedelta(seconds=30)
ROW = agenda_key(ADA, CLASS_ID)
#: Opens at the second failure in a row, of two mailboxes.
EAGER = CircuitPolicy(window=2, ratio=1.0, mailboxes=2)


def grant(number: int = 1, service: Service = Service.GOOGLE, **changes: object) -> Held:
    """A grant whose refresh token is `refresh-<number>`, sealed for ada."""
    made = held(number, service=service, **changes)
    aad = ConnectionAad(provider_id=ADA, service=service, grant_id=made.grant_id)
    return held(number, service=service, sealed_refresh_token=RING.seal(f"refresh-{number}", aad), **changes)


class Execution:
    """ada's mailbox `ada` at Google is opened by grant 1, `ada-2` by grant 2; `taken`: records done, in order."""

    def __init__(self) -> None:
        self.now: datetime = NOW
        self.broker = Broker()
        self.agenda = Table(self.broker, "agenda")
        self.rows = Table(self.broker, "connections")
        self.tokens = FakeTokens(Service.GOOGLE)
        for number, mailbox in ((1, ADA), (2, f"{ADA}-2")):
            self.tokens.grant(f"refresh-{number}", mailbox)
        self.calendar = FakeCalendar(Service.GOOGLE, tokens=self.tokens)
        self.taken: list[Intent] = []
        self.crashes: list[BaseException] = []
        self.heard: list[str] = []
        self.died: list[Service] = []
        self.start()

    def start(self, ring: KeyRing = RING) -> None:
        """A worker without any memory, over the tables as they are."""
        made = make_metrics()
        metrics, self.registry = made.execute, made.registry
        clock = lambda: self.now  # noqa: E731
        self.agendas = Agendas(topics=TOPICS, table=self.agenda, producer=self.broker, now=clock)  # type: ignore[arg-type]
        self.connections = Connections(
            topics=TOPICS,
            table=self.rows,  # type: ignore[arg-type]
            producer=self.broker,  # type: ignore[arg-type]
            ring=ring,
            token_ports={Service.GOOGLE: self.tokens},
            observe_refresh=lambda _service, _result: None,
            observe_death=self.died.append,
            now=clock,
        )
        self.connections.on_sweep(self.agendas.sweep, self.agendas.owes_removal)
        self.services = Services(
            calendars={Service.GOOGLE: self.calendar}, policy=EAGER, metrics=metrics, clock=lambda: self.now.timestamp()
        )
        actions = Actions(
            agendas=self.agendas,
            connections=self.connections,
            services=self.services,
            calls=Calls(connections=self.connections, metrics=metrics, hold=self.hold),
            settle=SETTLE,
            now=clock,
        )
        results = Results(
            topics=TOPICS,
            producer=self.broker,  # type: ignore[arg-type]
            policy=RetryPolicy(tiers=TIERS),
            metrics=metrics,
            now=clock,
        )
        endings = Endings(
            agendas=self.agendas,
            connections=self.connections,
            services=self.services,
            results=results,
            actions=actions,
            now=clock,
        )
        self.executor = Executor(
            agendas=self.agendas,
            connections=self.connections,
            services=self.services,
            endings=endings,
            actions=actions,
            crash=self.crash,
            now=clock,
        )

    async def crash(self, error: BaseException) -> None:
        self.crashes.append(error)

    async def hold(self) -> None:
        """The lease always lasts."""

    def connect(self, current: Held | None = None, *retiring: Held) -> None:
        row: Connection = connected(current or grant(), *retiring)
        self.rows.rows.write({ADA.encode(): encode_connection_row(row)}, None)

    def leave(self, *retiring: Held) -> None:
        self.rows.rows.write({ADA.encode(): encode_connection_row(connected(None, *retiring))}, None)

    def store(self, row: Agenda) -> None:
        self.agenda.rows.write({ROW: encode_agenda(row)}, None)

    @property
    def row(self) -> Agenda:
        """The agenda as it is confirmed."""
        row = self.agenda.rows.get(ROW)
        assert row is not None
        return decode_agenda(row)

    async def take(self, *intents: Intent, headers: Mapping[str, bytes] | None = None) -> None:
        """As the intake hands them over: everything that waited for ada's class."""
        await self.take_items(*(self.item(intent, headers or {}) for intent in intents))

    async def take_items(self, *items: Item) -> None:
        await self.executor((0, ADA, CLASS_ID), list(items))

    async def take_again(self) -> None:
        """The newest retry comes back as it was sent, when it is due."""
        place = max(number for number, (topic, _, _) in enumerate(self.broker.sent) if "-retry-" in topic)
        headers = self.broker.headers[place]
        self.now = datetime.fromtimestamp(int(headers[names.DUE]) / 1000, self.now.tzinfo)
        intent = intent_of(self.row)
        assert intent is not None
        await self.take(intent, headers=headers)

    def item(self, intent: Intent, headers: Mapping[str, bytes], lane: Lane = Lane.LIVE) -> Item:
        return Item(
            intent=intent,
            lane=lane,
            source=Source(topic=TOPICS.intents, partition=0, offset=len(self.taken)),
            key=ADA.encode(),
            value=encode(intent),
            headers=tuple(headers.items()),
            done=lambda: self.taken.append(intent),
        )

    @property
    def calls(self) -> list[str]:
        return [call.operation for call in self.calendar.calls]

    @property
    def outcomes(self) -> list[tuple[OutcomeKind, str | None]]:
        return [(outcome.kind, outcome.reason) for outcome in self.told]

    @property
    def told(self) -> list[Outcome]:
        return [decode_outcome(value) for topic, _, value in self.broker.sent if topic == TOPICS.outcomes]

    def sent_to(self, topic: str) -> list[Mapping[str, bytes]]:
        """The headers of what was sent there."""
        return [self.broker.headers[number] for number, (found, _, _) in enumerate(self.broker.sent) if found == topic]
