"""What the portal is measured over: a read model full of connected providers, and all of them signed in."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import aiohttp
import msgspec

from adapters.read_model.engine import writing_engine
from adapters.read_model.migrate import migrate
from adapters.read_model.store import ReadModelStore
from schemas.codec import encode
from schemas.connections import ConnectionState, ConnectionStatus, Service
from schemas.envelope import encode_event
from schemas.events import ClassSnapshotted, Kind, Presence
from schemas.intents import Lane
from schemas.outcomes import Outcome, OutcomeKind
from schemas.topics import Topics
from streams.agents.projection.folder import Folded, Folder
from streams.domain.intents import intent_id
from tests.bench.portal_load import Reader
from tests.bench.workload import Record

__all__ = ["Provider", "connected_providers", "fill", "sign_in"]

_TOPICS = Topics(tiers=())
_NOW = datetime.now(UTC).replace(microsecond=0)
#: How the classes of a provider stand: most on the calendar, one waits for its next try, one was refused.
_WAITS, _REFUSED = 0, 1


@dataclass(frozen=True, kw_only=True)
class Provider:
    """`sub`: the account at the issuer, which is the provider's id too."""

    sub: str
    service: Service

    @property
    def email(self) -> str:
        return f"{self.sub}@impact.example"


def connected_providers(count: int) -> list[Provider]:
    return [Provider(sub=f"user_{number:05d}", service=tuple(Service)[number % 2]) for number in range(count)]


async def fill(url: str, providers: Sequence[Provider], classes: int) -> None:
    """A new database at `url`, folded and written as the read model does it; so many booked classes for each provider."""
    await migrate(url)
    engine = writing_engine(url)
    try:
        store, folder = ReadModelStore(engine, "bench"), Folder(_TOPICS)
        await store.take_over()
        for provider in providers:
            batch, folded = _records(provider, classes), Folded()
            folder.learn(dict.fromkeys(folder.unknown(batch)))
            folder.fold(batch, folded)
            folder.seal(folded)
            await store.write(folded.batch, {}, _NOW)
    finally:
        await engine.dispose()


def _records(provider: Provider, classes: int) -> dict[tuple[str, int], list[Record]]:
    names = [f"{provider.sub}-class-{number}" for number in range(classes)]
    key = provider.sub.encode()
    rows = {
        _TOPICS.class_events: [(name.encode(), _class(provider, name, number)) for number, name in enumerate(names)],
        _TOPICS.outcomes: [(key, encode(_outcome(provider, name, number))) for number, name in enumerate(names)],
        _TOPICS.connection_status: [(key, encode(_status(provider)))],
    }
    stamp = int(_NOW.timestamp() * 1000)
    return {(topic, 0): [Record(key, value, offset, stamp) for offset, (key, value) in enumerate(pairs)] for topic, pairs in rows.items()}


def _class(provider: Provider, class_id: str, number: int) -> bytes:
    starts_at = _NOW.replace(tzinfo=None, hour=8, minute=0, second=0) + timedelta(days=1 + number // 4, hours=number % 4 * 2)
    event = ClassSnapshotted(
        class_id=class_id,
        version=1,
        kind=Kind.CLASS,
        class_type="group",
        title="Vinyasa Yoga",
        starts_at=starts_at,
        ends_at=starts_at + timedelta(hours=1),
        time_zone="Europe/Berlin",
        location="Studio 1",
        presence=Presence.IN_PERSON,
        provider_ids=(provider.sub,),
        url=f"https://classes.example/{class_id}",
        student_ids=("student",),
        cancelled=False,
    )
    return encode_event(event, id=f"{class_id}-1", time=_NOW)


def _outcome(provider: Provider, class_id: str, number: int) -> Outcome:
    kinds = {_WAITS: OutcomeKind.RETRYING, _REFUSED: OutcomeKind.DEAD_LETTERED}
    kind = kinds.get(number, OutcomeKind.CREATED)
    return Outcome(
        intent_id=intent_id(provider.sub, class_id, 1),
        provider_id=provider.sub,
        class_id=class_id,
        revision=1,
        kind=kind,
        at=_NOW - timedelta(minutes=number),
        lane=Lane.LIVE,
        service=provider.service,
        remote_id="remote" if kind is OutcomeKind.CREATED else None,
        reason=None if kind is OutcomeKind.CREATED else "503 backendError",
        next_try_at=_NOW + timedelta(hours=3) if kind is OutcomeKind.RETRYING else None,
    )


def _status(provider: Provider) -> ConnectionStatus:
    return ConnectionStatus(
        provider_id=provider.sub,
        grant_id=f"grant-{provider.sub}",
        service=provider.service,
        email=provider.email,
        state=ConnectionState.CONNECTED,
        connected_at=_NOW - timedelta(days=3),
        changed_at=_NOW - timedelta(days=3),
    )


async def sign_in(provider: Provider, *, portal: str, sandbox: str, groups: Sequence[str] = ("providers",)) -> Reader:
    """Through the issuer, as a browser does it, with the account hinted at instead of chosen on its page."""
    person = {"sub": provider.sub, "email": provider.email, "name": provider.sub, "groups": list(groups)}
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        async with http.post(f"{sandbox}/control/people", data=msgspec.json.encode(person)) as answer:
            answer.raise_for_status()
        async with http.get(f"{portal}/signin", allow_redirects=False) as answer:
            issuer = answer.headers["location"]
        async with http.get(f"{issuer}&login_hint={provider.sub}") as answer:
            answer.raise_for_status()
        (session,) = [cookie for cookie in http.cookie_jar if cookie.key.endswith("impact_session")]
        return Reader(cookie=f"{session.key}={session.value}", expects=provider.email)
