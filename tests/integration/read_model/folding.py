"""Records folded and written without a broker, as the session does it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from adapters.read_model.store import ReadModelStore
from schemas.codec import encode
from schemas.connections import ConnectionState, ConnectionStatus, Service
from schemas.envelope import encode_event
from schemas.events import ClassEvent
from schemas.intents import Lane
from schemas.outcomes import Outcome, OutcomeKind
from schemas.topics import Topics
from streams.agents.projection.folder import Folded, Folder
from streams.domain.intents import intent_id
from streams.domain.state import decode_state
from tests.support.class_events import CLASS_ID

__all__ = ["NOW", "TOPICS", "Record", "Writer", "connection", "outcome"]

NOW = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
TOPICS = Topics(tiers=())


@dataclass
class Record:
    """As it was consumed; streams.domain.fold.RawRecord by shape."""

    key: bytes | None
    value: bytes | None
    offset: int = 0
    timestamp: int = int(NOW.timestamp() * 1000)
    headers: Sequence[tuple[str, bytes]] = ()


@dataclass
class Writer:
    """Writes what it is given to the store, a batch a call."""

    store: ReadModelStore
    folder: Folder = field(default_factory=lambda: Folder(TOPICS))
    as_of: datetime | None = None
    offsets: dict[str, int] = field(default_factory=dict)

    async def events(self, *events: ClassEvent) -> None:
        await self.records(
            TOPICS.class_events,
            [Record(event.class_id.encode(), encode_event(event, id=f"e{event.version}", time=NOW)) for event in events],
        )

    async def outcomes(self, *outcomes: Outcome) -> None:
        await self.records(TOPICS.outcomes, [Record(found.provider_id.encode(), encode(found)) for found in outcomes])

    async def statuses(self, *statuses: ConnectionStatus) -> None:
        await self.records(TOPICS.connection_status, [Record(found.provider_id.encode(), encode(found)) for found in statuses])

    async def records(self, topic: str, records: Iterable[Record]) -> Folded:
        chunk = list(records)
        for record in chunk:
            record.offset = self.offsets[topic] = self.offsets.get(topic, -1) + 1
        batch = {(topic, 0): chunk}
        unknown = self.folder.unknown(batch)
        stored = await self.store.states(unknown)
        self.folder.learn(dict.fromkeys(unknown) | {key: decode_state(state) for key, state in stored.items()})
        folded = Folded()
        self.folder.fold(batch, folded)
        self.folder.seal(folded)
        await self.store.write(folded.batch, folded.positions, self.as_of)
        return folded


def outcome(
    kind: OutcomeKind, revision: int, *, provider_id: str = "ada", class_id: str = CLASS_ID, standing: bool | None = None, **more: object
) -> Outcome:
    stands = kind in (OutcomeKind.CREATED, OutcomeKind.UPDATED, OutcomeKind.UNCHANGED) if standing is None else standing
    given: dict[str, object] = {"at": NOW, "lane": Lane.LIVE, "service": Service.GOOGLE} | more
    return Outcome(
        intent_id=intent_id(provider_id, class_id, revision),
        provider_id=provider_id,
        class_id=class_id,
        revision=revision,
        kind=kind,
        remote_id="remote-1" if stands else None,
        **given,  # type: ignore[arg-type]
    )


def connection(state: ConnectionState, *, provider_id: str = "ada", service: Service = Service.GOOGLE) -> ConnectionStatus:
    return ConnectionStatus(
        provider_id=provider_id,
        grant_id="g1",
        service=service,
        email=f"{provider_id}@example.com",
        state=state,
        connected_at=NOW,
        changed_at=NOW,
    )
