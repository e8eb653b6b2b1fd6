"""What a person does to an event in Outlook."""

from datetime import datetime
from typing import Any

from infra.sandbox.mailboxes import OTHER_CALENDAR, Mailbox, StoredEvent
from infra.sandbox.microsoft.events import MUTABLE, GraphEvents, new_id
from infra.sandbox.microsoft.times import shown_in
from infra.sandbox.world import World

__all__ = ["MicrosoftHand"]


class MicrosoftHand:
    def __init__(self, world: World, mailbox: Mailbox) -> None:
        self._world, self._mailbox = world, mailbox
        self._events = GraphEvents(world, mailbox)

    def edit(
        self,
        event: StoredEvent,
        *,
        title: str | None,
        start: datetime | None,
        end: datetime | None,
        location: str | None,
    ) -> None:
        """`start`/`end`: instants; the event keeps its zones. Raises Refusal."""
        patch: dict[str, Any] = {}
        if title is not None:
            patch["subject"] = title
        if location is not None:
            patch["location"] = {"displayName": location}
        if start is not None:
            patch["start"] = shown_in(start, event.raw["originalStartTimeZone"])
        if end is not None:
            patch["end"] = shown_in(end, event.raw["originalEndTimeZone"])
        self._events.patch(event.id, patch)

    def delete(self, event: StoredEvent) -> None:
        self._events.delete(event.id)

    def move(self, event: StoredEvent) -> StoredEvent:
        """To another calendar of the person: the id changes, the immutable one does not."""
        self._mailbox.rename(event, new_id(MUTABLE))
        event.calendar = OTHER_CALENDAR
        event.updated_seq = self._world.mailboxes.next_seq()
        return event
