"""What a test tells its story with: providers and their calendars, classes, connections as the portal has them, topics to look into."""

import json
import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import aiohttp
from aiokafka import AIOKafkaProducer
from aiokafka.structs import RecordMetadata

from adapters.vault.seal import KeyRing
from schemas.codec import decode_intent, decode_outcome, decode_status
from schemas.connections import ConnectionStatus
from schemas.intents import Intent
from schemas.outcomes import Outcome
from schemas.topics import Topics
from tests.e2e.booking import ClassStory, Headers
from tests.e2e.portal import Portal, Provider
from tests.e2e.sandbox import Account, CalendarEvent, Sandbox
from tests.e2e.stack import Stack
from tests.e2e.topics import Progress, Tail
from tests.support.waiting import eventually

__all__ = ["PATIENCE", "STUDENT", "Provider", "World"]

#: Every student id begins so: what the search for leaks looks for.
STUDENT = "pupil-"
#: Seconds after which what was waited for will not come any more, on a slow machine either.
PATIENCE = 60.0


class World:
    def __init__(self, stack: Stack, http: aiohttp.ClientSession, producer: AIOKafkaProducer, tail: Tail) -> None:
        self.stack = stack
        self.sandbox = Sandbox(http, stack.sandbox_url)
        self.http = http
        self.tail = tail
        self._producer = producer
        self._portal = Portal(KeyRing(stack.settings.vault_keys))

    @property
    def topics(self) -> Topics:
        return self.stack.topics

    # who and what

    def provider(self, service: str, account: Account | None = None) -> Provider:
        """Somebody new, not connected yet."""
        name = f"staff-{secrets.token_hex(5)}"
        return Provider(provider_id=name, account=account or Account(service, f"{name}@example.com"))

    async def connected(self, service: str) -> Provider:
        """Somebody new whose connection is in force, so that no class of theirs comes before it and takes the way of those that wait."""
        provider = self.provider(service)
        await self.connect(provider)

        async def in_force() -> bool:
            return bool(await self.tail.read(self.topics.connections_changelog, provider.provider_id))

        await eventually(in_force, what=f"{provider.provider_id} to be connected", timeout=PATIENCE)
        return provider

    def new_class(self) -> ClassStory:
        return ClassStory(self.publish, f"class-{secrets.token_hex(6)}", lambda: STUDENT + secrets.token_hex(8))

    async def publish(self, key: bytes | None, value: bytes | None, headers: Headers) -> RecordMetadata:
        """To the topic of domain events; where it stands there."""
        return await self.send(self.topics.class_events, key, value, headers)

    async def send(self, topic: str, key: bytes | None, value: bytes | None, headers: Headers = ()) -> RecordMetadata:
        return await self._producer.send_and_wait(topic, value, key=key, headers=list(headers))

    # connections, as the portal publishes them

    async def connect(self, provider: Provider, account: Account | None = None, *, email: str | None = None) -> None:
        """The provider consents at the service, and the portal publishes the grant. `email`: what the service calls the account by now."""
        provider.account = account or provider.account
        token, scopes = await self.sandbox.grant(provider.account)
        await self._tell(provider, self._portal.granted(provider, token, scopes, email))

    async def disconnect(self, provider: Provider, *, remove_events: bool) -> None:
        await self._tell(provider, self._portal.revoked(provider, remove_events=remove_events))

    async def _tell(self, provider: Provider, event: bytes) -> None:
        await self.send(self.topics.connections, provider.provider_id.encode(), event)

    # what stands on the calendars

    async def events(self, provider: Provider) -> list[CalendarEvent]:
        return await self.sandbox.events(provider.account)

    async def shown(self, provider: Provider, revision: int, *, timeout: float = PATIENCE) -> CalendarEvent:
        """The one event on the provider's calendar, once it shows `revision`."""

        async def probe() -> CalendarEvent | None:
            events = await self.events(provider)
            assert len(events) == 1, [(event.class_id, event.revision) for event in events]
            assert events[0].revision == revision, events[0].revision
            return events[0]

        found = await eventually(probe, what=f"one event at revision {revision} on {provider.account}", timeout=timeout)
        assert found is not None
        return found

    async def shown_among(self, provider: Provider, story: ClassStory, *, timeout: float = PATIENCE) -> CalendarEvent:
        """The event of one class among others, once it shows what was told of it last."""

        async def probe() -> CalendarEvent | None:
            revisions = {event.revision: event for event in await self.events(provider) if event.class_id == story.class_id}
            assert list(revisions) == [story.version], list(revisions)
            return revisions[story.version]

        found = await eventually(probe, what=f"{story.class_id} at revision {story.version} on {provider.account}", timeout=timeout)
        assert found is not None
        return found

    async def empty(self, provider: Provider, *, timeout: float = PATIENCE) -> None:
        """Until nothing stands on the provider's calendar."""

        async def probe() -> bool:
            return not await self.events(provider)

        await eventually(probe, what=f"nothing on {provider.account}", timeout=timeout)

    async def stand(self, provider: Provider, *stories: ClassStory, timeout: float = PATIENCE) -> list[CalendarEvent]:
        """The provider's events, once these classes stand there, each once, and no other."""
        wanted = sorted(story.class_id for story in stories)

        async def probe() -> list[CalendarEvent]:
            events = await self.events(provider)
            assert sorted(event.class_id for event in events) == wanted, [(event.class_id, event.revision) for event in events]
            return events

        return await eventually(probe, what=f"{len(wanted)} classes on {provider.account}", timeout=timeout)

    async def calls(self, provider: Provider) -> list[str]:
        """The calls that changed the provider's calendar, or tried to, oldest first."""
        return [entry["operation"] for entry in await self.sandbox.requests(provider.account, "create", "update", "delete")]

    # what stands in the topics since the test began

    async def intents(self, provider: Provider) -> list[Intent]:
        return [decode_intent(record.value) for record in await self.tail.read(self.topics.intents, provider.provider_id)]

    async def outcomes(self, provider: Provider) -> list[Outcome]:
        return [decode_outcome(record.value) for record in await self.tail.read(self.topics.outcomes, provider.provider_id)]

    async def statuses(self, provider: Provider) -> list[ConnectionStatus]:
        return [decode_status(record.value) for record in await self.tail.read(self.topics.connection_status, provider.provider_id)]

    async def connection_row(self, provider: Provider) -> Any:
        """What the execute worker keeps of the provider's connection, as its changelog has it."""
        rows = await self.tail.read(self.topics.connections_changelog, provider.provider_id)
        assert rows, "no row yet"
        return json.loads(rows[-1].value)

    async def outcome(self, provider: Provider, wanted: Callable[[Outcome], bool], *, what: str, timeout: float = PATIENCE) -> Outcome:
        """The first outcome that is `wanted`."""

        async def probe() -> Outcome | None:
            outcomes = await self.outcomes(provider)
            found = next(filter(wanted, outcomes), None)
            assert found is not None, [(outcome.kind.value, outcome.revision, outcome.reason) for outcome in outcomes]
            return found

        found = await eventually(probe, what=f"an outcome: {what}", timeout=timeout)
        assert found is not None
        return found

    async def states(self, provider: Provider, *states: str, timeout: float = PATIENCE) -> Sequence[ConnectionStatus]:
        """The statuses published of the provider, once they end with these states."""

        async def probe() -> Sequence[ConnectionStatus]:
            found = await self.statuses(provider)
            assert [status.state.value for status in found][-len(states) :] == list(states), [status.state.value for status in found]
            return found

        return await eventually(probe, what=f"states {states} of {provider.provider_id}", timeout=timeout)

    async def until(self, probe: Callable[[], Awaitable[object]], *, what: str, timeout: float = PATIENCE) -> None:
        await eventually(probe, what=what, timeout=timeout)

    async def settled(self, *, timeout: float = PATIENCE) -> None:
        """Until everything published so far was dealt with by every worker."""
        await eventually(Progress(self.stack.settings).is_settled, what="every worker to reach the end of its input", timeout=timeout)
        self.stack.check_alive()
