"""A calendar service as a table of events, for property tests: ids derived as each real service does, dead grants, work done late."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from adapters.errors import AlreadyExists, EventGone, ReconnectNeeded
from adapters.ports import RemoteEvent
from schemas.connections import Service
from schemas.intents import CalendarEntry
from streams.domain.agenda import Calendar, Creating
from streams.domain.connection import Held
from streams.domain.entry import content_hash
from streams.domain.reconcile import Update

__all__ = ["ModelCalendars", "ModelEvent"]


@dataclass
class ModelEvent:
    """`entry` is what was written last; a hand that edits it only sets `edited`."""

    remote_id: str
    entry: CalendarEntry
    created_as: CalendarEntry
    revision: int
    generation: int
    standing: bool = True
    edited: bool = False

    def as_remote(self) -> RemoteEvent:
        return RemoteEvent(remote_id=self.remote_id, revision=self.revision, generation=self.generation)


@dataclass
class ModelCalendars:
    """Every calendar of one provider, with the events of one class. `aliases`: other addresses of a mailbox, by its own."""

    aliases: dict[Calendar, Calendar] = field(default_factory=dict)
    events: dict[Calendar, dict[str, ModelEvent]] = field(default_factory=dict)
    dead_grants: set[str] = field(default_factory=set)
    #: Work that timed out and that the service may still carry out, in any order.
    late: list[Callable[[], object]] = field(default_factory=list)
    #: Ids under which a create is still under way.
    under_way: set[str] = field(default_factory=set)
    writes: int = 0

    def mailbox(self, calendar: Calendar) -> Calendar:
        return self.aliases.get(calendar, calendar)

    def standing(self, calendar: Calendar) -> list[ModelEvent]:
        return [event for event in self.events.get(self.mailbox(calendar), {}).values() if event.standing]

    def create(self, grant: Held, creating: Creating) -> RemoteEvent:
        """An id is no lock: creates that are under way at the same time may both make an event."""
        self._open(grant)
        key = self._id(creating)
        events = self.events.setdefault(self.mailbox(creating.calendar), {})
        known = events.get(key)
        if known is not None and key in self.under_way:
            key = f"{key}-twin-{self.writes}"
        elif known is not None:
            if known.standing and known.created_as == creating.entry and known.revision == creating.revision:
                return known.as_remote()
            raise AlreadyExists(grant.service, "duplicate")
        event = ModelEvent(key, creating.entry, creating.entry, creating.revision, creating.generation)
        events[key] = event
        self.writes += 1
        return event.as_remote()

    def find(self, grant: Held, calendar: Calendar, generation: int) -> RemoteEvent | None:
        self._open(grant)
        found = [event for event in self.standing(calendar) if event.generation == generation]
        return found[0].as_remote() if found else None

    def update(self, grant: Held, update: Update) -> None:
        self._open(grant)
        event = self.events[self.mailbox(update.applied.calendar)][update.applied.remote_id]
        if not event.standing:
            raise EventGone(grant.service, "gone")
        self.writes += content_hash(event.entry) != content_hash(update.entry)
        event.entry, event.revision, event.edited = update.entry, update.revision, False

    def delete(self, grant: Held, calendar: Calendar, remote_id: str) -> None:
        self._open(grant)
        event = self.events[self.mailbox(calendar)][remote_id]
        self.writes += event.standing
        event.standing = False

    def create_later(self, grant: Held, creating: Creating) -> None:
        """It timed out, and is under way until the late work happens."""
        self.under_way.add(self._id(creating))
        self.late.append(lambda: self.create(grant, creating))

    def late_work_happens(self, order: Callable[[list[Callable[[], object]]], None] = lambda late: late.reverse()) -> None:
        """Requests that timed out are carried out all the same, in an order that nobody knows."""
        late, self.late = self.late, []
        order(late)
        for work in late:
            with suppress(AlreadyExists, EventGone, ReconnectNeeded):
                work()
        self.under_way.clear()

    def _open(self, grant: Held) -> None:
        if grant.grant_id in self.dead_grants:
            raise ReconnectNeeded(grant.service, "invalid_grant")

    def _id(self, creating: Creating) -> str:
        if creating.calendar.service is Service.GOOGLE:
            return f"google-{creating.generation}"
        return f"graph-{creating.grant_id}-{creating.generation}-{creating.revision}"
