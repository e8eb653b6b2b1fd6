"""Tells a story of one class: folds its events one by one and keeps what came of each."""

from dataclasses import dataclass, field

from schemas.events import ClassEvent
from schemas.intents import Intent
from streams.domain.evolve import evolve
from streams.domain.intents import Cause, derive_intents
from streams.domain.state import ClassState
from tests.support.class_events import CLASS_ID

__all__ = ["Story", "fold"]


def fold(*events: ClassEvent) -> ClassState:
    """The state after at least one event."""
    story = Story()
    for event in events:
        story.tell(event)
    assert story.state is not None
    return story.state


@dataclass
class Story:
    """The class as it stands, and every intent so far."""

    state: ClassState | None = None
    intents: list[Intent] = field(default_factory=list)

    def tell(self, event: ClassEvent) -> tuple[Intent, ...]:
        """Folds one event; the intents that it made."""
        before, self.state = self.state, evolve(self.state, event)
        made = derive_intents(CLASS_ID, before, self.state, Cause(event_id=f"event-{event.version}", type=type(event).__name__))
        self.intents.extend(made)
        return made
