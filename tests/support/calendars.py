"""A calendar as execution keeps it, without any service: the newest revision wins, whatever the order."""

from collections.abc import Iterable

from schemas.events import ClassEvent
from schemas.intents import CalendarEntry, Intent
from streams.domain.evolve import evolve
from streams.domain.intents import Cause, derive_intents
from streams.domain.state import ClassState

__all__ = ["CAUSE", "newest", "run", "standing"]

CAUSE = Cause(event_id="event-1", type="com.impactfeedback.booking.class.scheduled.v1")


def run(class_id: str, events: Iterable[ClassEvent], state: ClassState | None = None) -> tuple[ClassState | None, list[Intent]]:
    """Folds the events from `state` on: the state at the end, and every intent on the way."""
    intents: list[Intent] = []
    for event in events:
        before, state = state, evolve(state, event)
        intents.extend(derive_intents(class_id, before, state, CAUSE))
    return state, intents


def newest(intents: Iterable[Intent]) -> dict[str, Intent]:
    """provider_id -> the intent of the highest revision."""
    kept: dict[str, Intent] = {}
    for intent in intents:
        if intent.provider_id not in kept or kept[intent.provider_id].revision < intent.revision:
            kept[intent.provider_id] = intent
    return kept


def standing(intents: Iterable[Intent]) -> dict[str, CalendarEntry]:
    """provider_id -> what stands there once every intent has been carried out."""
    return {provider_id: intent.entry for provider_id, intent in newest(intents).items() if intent.entry is not None}
