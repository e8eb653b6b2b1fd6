"""What a class and a step of a timeline remember, as JSON in their rows. Words are made of it when it is read, so that better words need
no rebuild.

No student, and no free text of a person (the reason of a cancellation may name one).
"""

from datetime import datetime

import msgspec

from schemas.connections import Service
from schemas.events import Kind, Presence
from schemas.intents import Lane

__all__ = [
    "CardFacts",
    "EventFacts",
    "IntentFacts",
    "OutcomeFacts",
    "StepFacts",
    "card_facts",
    "encode_facts",
    "event_facts",
    "intent_facts",
    "outcome_facts",
    "raw_facts",
    "step_facts",
]


class CardFacts(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """What a class's card shows but for its roster. `starts_at`, `ends_at`: naive wall time in `time_zone`."""

    kind: Kind
    class_type: str
    title: str
    starts_at: datetime
    ends_at: datetime
    time_zone: str
    location: str
    presence: Presence
    url: str | None
    provider_ids: tuple[str, ...]


class StepFacts(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One step. `provider_id` None: it concerns the class, not one calendar. `facts`: one of those below, by the step's stage."""

    at: datetime
    revision: int
    provider_id: str | None
    kind: str
    facts: msgspec.Raw


class EventFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the event says, and the class after it. `missing`: how many versions did not come before it."""

    students: int = 0
    booked: bool = False
    was_booked: bool = False
    missing: int = 0
    title: str | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    time_zone: str | None = None
    location: str | None = None
    presence: Presence | None = None
    provider_ids: tuple[str, ...] | None = None
    cancelled: bool = False


class IntentFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`show` False: the class shall not stand on the calendar."""

    show: bool = False
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    time_zone: str | None = None


class OutcomeFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    lane: Lane = Lane.LIVE
    attempt: int = 1
    service: Service | None = None
    reason: str | None = None
    next_try_at: datetime | None = None
    #: An event of ours stands on the calendar after it.
    standing: bool = False


_encode = msgspec.json.Encoder().encode
card_facts = msgspec.json.Decoder(CardFacts).decode
step_facts = msgspec.json.Decoder(StepFacts).decode
event_facts = msgspec.json.Decoder(EventFacts).decode
intent_facts = msgspec.json.Decoder(IntentFacts).decode
outcome_facts = msgspec.json.Decoder(OutcomeFacts).decode


def raw_facts(facts: EventFacts | IntentFacts | OutcomeFacts) -> msgspec.Raw:
    """To stand in StepFacts."""
    return msgspec.Raw(_encode(facts))


def encode_facts(facts: CardFacts | StepFacts) -> str:
    return _encode(facts).decode()
