"""A portal over a real read model (filled by the projection's own folder and store); people are signed in by a sealed cookie."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec
from starlette.applications import Starlette

from adapters.portal.app import create_portal
from adapters.portal.deps import PortalDeps
from adapters.portal.services import Services
from adapters.portal.web.sessions import new_session
from adapters.read_model.engine import reading_engine, writing_engine
from adapters.read_model.migrate import migrate
from adapters.read_model.queries import ReadModelQueries
from adapters.read_model.store import ReadModelStore
from adapters.vault.seal import KeyRing
from schemas.codec import encode
from schemas.connections import ConnectionGranted, ConnectionRevoked, ConnectionState, ConnectionStatus, Service
from schemas.envelope import encode_event
from schemas.events import ClassEvent
from schemas.intents import Lane
from schemas.outcomes import Outcome, OutcomeKind
from schemas.topics import Topics
from streams.agents.projection.folder import Folded, Folder
from streams.domain.fold import fold_records
from streams.domain.intents import intent_id
from streams.domain.state import ClassState
from streams.portal_app import oidc_settings
from streams.portal_settings import PortalSettings

__all__ = ["NOW", "PORTAL", "World"]

NOW = datetime(2027, 3, 5, 12, 0, tzinfo=UTC)
PORTAL = "http://127.0.0.1:8000"


@dataclass(kw_only=True)
class Record:
    key: bytes | None
    value: bytes | None
    offset: int
    timestamp: int
    headers: Sequence[tuple[str, bytes]] = ()


class NobodyListens:
    """These pages publish nothing."""

    async def granted(self, event: ConnectionGranted) -> None:
        raise AssertionError("a classes page published a grant")

    async def revoked(self, event: ConnectionRevoked) -> None:
        raise AssertionError("a classes page revoked a grant")


@dataclass
class World:
    """`url`: of an empty database. `tell`, `outcome` and `connect` write one batch each, as the projection does."""

    url: str
    now: datetime = NOW
    topics: Topics = field(default_factory=lambda: Topics(tiers=()))

    async def open(self) -> None:
        await migrate(self.url)
        self._writing, self._reading = writing_engine(self.url), reading_engine(self.url)
        self._store = ReadModelStore(self._writing, "test")
        await self._store.take_over()
        self._folder = Folder(self.topics)
        self._states: dict[bytes, ClassState] = {}
        self._offset = 0
        self.read_model = ReadModelQueries(self._reading, lambda: self.now)
        self.deps = PortalDeps(
            public_url=PORTAL,
            session_keys=(b"s" * 32,),
            oidc=oidc_settings(
                PortalSettings(oidc_issuer="http://127.0.0.1:1", oidc_client_id="portal", oidc_client_secret="not used here")
            ),
            read_model=self.read_model,
            publisher=NobodyListens(),
            ring=KeyRing([("test", b"v" * 32)]),
            clock=lambda: self.now,
        )
        self.app: Starlette = create_portal(self.deps)

    async def close(self) -> None:
        services: Services = self.app.state.services
        await services.close()
        await self._reading.dispose()
        await self._writing.dispose()

    async def tell(self, *events: ClassEvent, at: datetime | None = None) -> None:
        """Class events, and the intents that the fold makes of them."""
        when = at or self.now
        records = [self._record(event.class_id, encode_event(event, id=f"e{self._offset}", time=when)) for event in events]
        folded = fold_records(records, self._states.get)
        assert not folded.dead_letters, folded.dead_letters[0].violation.reason
        self._states.update(folded.states)
        intents = [self._record(key.decode(), value) for key, value in folded.intents]
        await self._write({(self.topics.class_events, 0): records, (self.topics.intents, 0): intents})

    async def outcome(self, class_id: str, provider_id: str, kind: OutcomeKind, **more: Any) -> None:
        await self.outcomes(self.made(class_id, provider_id, kind, **more))

    def made(self, class_id: str, provider_id: str, kind: OutcomeKind, **more: Any) -> Outcome:
        state = self._states[class_id.encode()]
        known: dict[str, Any] = {
            "intent_id": intent_id(provider_id, class_id, state.version),
            "revision": state.version,
            "at": self.now,
            "lane": Lane.LIVE,
            "service": Service.GOOGLE,
            "remote_id": "remote" if kind in (OutcomeKind.CREATED, OutcomeKind.UPDATED) else None,
        }
        return Outcome(class_id=class_id, provider_id=provider_id, kind=kind, **{**known, **more})

    async def outcomes(self, *outcomes: Outcome) -> None:
        records = [self._record(outcome.provider_id, encode(outcome)) for outcome in outcomes]
        await self._write({(self.topics.outcomes, 0): records})

    async def connect(self, *provider_ids: str, state: ConnectionState = ConnectionState.CONNECTED) -> None:
        known: dict[str, Any] = {
            "grant_id": "g1",
            "service": Service.GOOGLE,
            "connected_at": self.now,
            "changed_at": self.now,
            "state": state,
        }
        statuses = [ConnectionStatus(provider_id=one, email=f"{one}@example.com", **known) for one in provider_ids]
        await self._write({(self.topics.connection_status, 0): [self._record(one.provider_id, encode(one)) for one in statuses]})

    def browser(self, provider_id: str | None, *, administrator: bool = False, zone: str | None = None) -> httpx.AsyncClient:
        """A browser signed in as this provider (nobody for None), speaking to the application in this process."""
        transport = httpx.ASGITransport(app=self.app)
        return httpx.AsyncClient(
            transport=transport, base_url=PORTAL, cookies=self.cookies(provider_id, administrator=administrator, zone=zone)
        )

    def cookies(self, provider_id: str | None, *, administrator: bool = False, zone: str | None = None) -> dict[str, str]:
        known = {"impact_zone": zone} if zone is not None else {}
        if provider_id is None:
            return known
        session = new_session(
            provider_id=provider_id, user_id=f"user_{provider_id}", name=provider_id.title(), administrator=administrator, now=self.now
        )
        services: Services = self.app.state.services
        return known | {"impact_session": services.sealer.seal(session, purpose="session")}

    def _record(self, key: str, value: bytes) -> Record:
        self._offset += 1
        return Record(key=key.encode(), value=value, offset=self._offset, timestamp=int(self.now.timestamp() * 1000))

    async def _write(self, records: dict[tuple[str, int], list[Record]]) -> None:
        present = {place: chunk for place, chunk in records.items() if chunk}
        self._folder.learn(dict.fromkeys(self._folder.unknown(present)))
        folded = Folded()
        self._folder.fold(present, folded)
        assert not [result for _, result in folded.counts if result == "skipped"], folded.counts
        self._folder.seal(folded)
        await self._store.write(folded.batch, folded.positions, self.now)


def with_fields(event: ClassEvent, **fields: object) -> ClassEvent:
    changed: ClassEvent = msgspec.structs.replace(event, **fields)
    return changed
