"""What a person does to an event in Google's own calendar application."""

from copy import deepcopy
from datetime import datetime
from typing import Any

from infra.sandbox.google.events import GoogleEvents
from infra.sandbox.mailboxes import OTHER_CALENDAR, Mailbox, StoredEvent
from infra.sandbox.world import World

__all__ = ["GoogleHand"]


class GoogleHand:
    def __init__(self, world: World, mailbox: Mailbox) -> None:
        self._world, self._mailbox = world, mailbox
        self._events = GoogleEvents(world, mailbox)

    def edit(
        self,
        event: StoredEvent,
        *,
        title: str | None,
        start: datetime | None,
        end: datetime | None,
        location: str | None,
    ) -> None:
        """`start`/`end`: instants; the event keeps its zone. Raises Refusal."""
        patch: dict[str, Any] = {"summary": title, "location": location}
        patch = {name: value for name, value in patch.items() if value is not None}
        for name, moment in (("start", start), ("end", end)):
            if moment is not None:
                patch[name] = {"dateTime": moment.isoformat(timespec="seconds")}
        self._events.patch(event.id, patch, None)

    def delete(self, event: StoredEvent) -> None:
        self._events.delete(event.id, None)

    def move(self, event: StoredEvent) -> StoredEvent:
        """To another calendar of the person: the primary calendar keeps it as cancelled, the other has it under the same id."""
        moved = StoredEvent(
            id=f"{event.id}@{OTHER_CALENDAR}",
            alias=f"{event.id}@{OTHER_CALENDAR}",
            raw=deepcopy(event.raw),
            start=event.start,
            end=event.end,
            private=event.private,
            created_seq=event.created_seq,
            updated_seq=self._world.mailboxes.next_seq(),
            calendar=OTHER_CALENDAR,
        )
        self._events.delete(event.id, None)
        self._mailbox.add(moved)
        return moved
