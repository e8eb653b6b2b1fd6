"""A calendar service in memory."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace

import msgspec

from adapters.errors import AlreadyExists, EventGone, Unauthorized
from adapters.fakes.script import Call, Script, require
from adapters.fakes.tokens import FakeTokens
from adapters.ports import EventMark, RemoteEvent
from schemas.connections import Service
from schemas.intents import CalendarEntry

__all__ = ["FakeCalendar", "FakeEvent"]


@dataclass(frozen=True, kw_only=True)
class FakeEvent:
    """An event that stands, or stood. `mark` is the newest, `made_by` that of the create, `created_as` its entry."""

    remote_id: str
    mailbox: str
    entry: CalendarEntry
    mark: EventMark
    created_as: CalendarEntry
    made_by: EventMark
    standing: bool = True

    def as_remote(self) -> RemoteEvent:
        return RemoteEvent(remote_id=self.remote_id, revision=self.mark.revision, generation=self.mark.generation)


class FakeCalendar:
    """CalendarPort. With `tokens`, an access token opens the mailbox of its grant and any other is Unauthorized; without, any token opens
    one mailbox named "".

    `gate`: while it is not set, calls that came in wait before their work; `in_flight` and `most_in_flight` count them by mailbox.
    """

    def __init__(self, service: Service = Service.GOOGLE, *, tokens: FakeTokens | None = None) -> None:
        self.service = service
        self.script = Script()
        self.calls: list[Call] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.in_flight: Counter[str] = Counter()
        self.most_in_flight: Counter[str] = Counter()
        self.closed = False
        self._arrivals = asyncio.Condition()
        self._tokens = tokens
        self._events: dict[str, FakeEvent] = {}
        self._busy: set[str] = set()

    async def held(self, calls: int) -> None:
        """Wait until that many calls are under way (with the gate not set: until they wait there)."""
        async with self._arrivals:
            await self._arrivals.wait_for(lambda: self.in_flight.total() >= calls)

    def standing(self, mailbox: str | None = None) -> list[FakeEvent]:
        """What a person sees on the calendar, in the order of creation."""
        return [event for event in self._events.values() if event.standing and mailbox in (None, event.mailbox)]

    def remove_by_hand(self, remote_id: str) -> None:
        """The provider takes the event off the calendar."""
        self._events[remote_id] = replace(self._events[remote_id], standing=False)

    def rename_by_hand(self, remote_id: str, title: str) -> None:
        event = self._events[remote_id]
        self._events[remote_id] = replace(event, entry=msgspec.structs.replace(event.entry, title=title))

    async def create(self, access_token: str, entry: CalendarEntry, mark: EventMark) -> RemoteEvent:
        _check(entry, mark)
        mailbox = self._mailbox(access_token)
        call = Call(operation="create", mailbox=mailbox, about=self._derived(mailbox, mark), entry=entry, mark=mark)
        async with self._call(call):
            there = self._events.get(call.about)
            if there is None:
                there = FakeEvent(remote_id=call.about, mailbox=mailbox, entry=entry, mark=mark, created_as=entry, made_by=mark)
                self._events[there.remote_id] = there
            elif not there.standing or (there.created_as, there.made_by) != (entry, mark):
                raise AlreadyExists(self.service, "duplicate", status=409)
            return there.as_remote()

    async def update(self, access_token: str, remote_id: str, entry: CalendarEntry, mark: EventMark) -> RemoteEvent:
        _check(entry, mark)
        call = Call(operation="update", mailbox=self._mailbox(access_token), about=remote_id, entry=entry, mark=mark)
        async with self._call(call):
            there = self._at(call.mailbox, remote_id)
            if there is None:
                raise EventGone(self.service, "notFound", status=404)
            self._events[remote_id] = replace(there, entry=entry, mark=mark)
            return self._events[remote_id].as_remote()

    async def delete(self, access_token: str, remote_id: str) -> bool:
        call = Call(operation="delete", mailbox=self._mailbox(access_token), about=remote_id)
        async with self._call(call):
            if self._at(call.mailbox, remote_id) is None:
                return False
            self.remove_by_hand(remote_id)
            return True

    async def find(self, access_token: str, mark: EventMark) -> RemoteEvent | None:
        mailbox = self._mailbox(access_token)
        call = Call(operation="find", mailbox=mailbox, about=self._derived(mailbox, mark), mark=mark)
        async with self._call(call):
            there = self._at(mailbox, call.about)
            return None if there is None else there.as_remote()

    async def close(self) -> None:
        self.closed = True

    def _at(self, mailbox: str, remote_id: str) -> FakeEvent | None:
        event = self._events.get(remote_id)
        return event if event is not None and event.standing and event.mailbox == mailbox else None

    def _mailbox(self, access_token: str) -> str:
        require(bool(access_token), "an access token is never empty")
        require(not self.closed, "nothing is asked of a closed calendar")
        mailbox = "" if self._tokens is None else self._tokens.mailbox_of(access_token)
        if mailbox is None:
            raise Unauthorized(self.service, "authError", status=401)
        return mailbox

    @asynccontextmanager
    async def _call(self, call: Call) -> AsyncIterator[None]:
        self.calls.append(call)
        failure = self.script.take(call.operation, call.mailbox)
        with self._alone(call), self._counted(call.mailbox):
            async with self._arrivals:
                self._arrivals.notify_all()
            await self.gate.wait()
            if failure is not None and not failure.after:
                raise failure.error()
            yield
            if failure is not None:
                raise failure.error()

    @contextmanager
    def _alone(self, call: Call) -> Iterator[None]:
        """One writer per provider and class, over all generations."""
        owner = call.about.rpartition("/")[0]
        require(owner not in self._busy, f"two calls at once about {owner}")
        self._busy.add(owner)
        try:
            yield
        finally:
            self._busy.remove(owner)

    @contextmanager
    def _counted(self, mailbox: str) -> Iterator[None]:
        self.in_flight[mailbox] += 1
        self.most_in_flight[mailbox] = max(self.most_in_flight[mailbox], self.in_flight[mailbox])
        try:
            yield
        finally:
            self.in_flight[mailbox] -= 1

    def _derived(self, mailbox: str, mark: EventMark) -> str:
        return f"{self.service.value}:{mailbox}:{mark.provider_id}/{mark.class_id}/{mark.generation}"


def _check(entry: CalendarEntry, mark: EventMark) -> None:
    require(entry.starts_at.tzinfo is None and entry.ends_at.tzinfo is None, "an entry has wall times, without an offset")
    require(bool(mark.provider_id and mark.class_id and mark.grant_id), "a mark names the provider, the class and the grant")
    require(mark.revision >= 1 and mark.generation >= 0, "a mark's revision counts from 1, its generation never down")
