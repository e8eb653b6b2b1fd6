"""What a step of a timeline remembers, as JSON in its row. Words are made of it when it is read, so that better words need no rebuild.

No student, and no free text of a person (the reason of a cancellation may name one).
"""

from datetime import datetime

import msgspec

from schemas.connections import Service
from schemas.events import Presence
from schemas.intents import Lane

__all__ = ["EventFacts", "IntentFacts", "OutcomeFacts", "encode_facts", "event_facts", "intent_facts", "outcome_facts"]


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
event_facts = msgspec.json.Decoder(EventFacts).decode
intent_facts = msgspec.json.Decoder(IntentFacts).decode
outcome_facts = msgspec.json.Decoder(OutcomeFacts).decode


def encode_facts(facts: EventFacts | IntentFacts | OutcomeFacts) -> str:
    return _encode(facts).decode()
