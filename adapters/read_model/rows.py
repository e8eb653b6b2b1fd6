"""What one batch writes. Fields stand in the order in which upserts.py names their columns; the store adds `seq` where there is one.

Text is as it came, but for U+0000, which PostgreSQL cannot hold: see `clean`.
"""

from dataclasses import dataclass, field
from datetime import date, datetime

import msgspec

__all__ = ["Batch", "ClassRow", "ConnectionRow", "DetailsRow", "OutcomeRow", "RosterRow", "StepRow", "WantedRow", "clean"]


class ClassRow(msgspec.Struct, frozen=True, gc=False):
    """A whole class."""

    class_id: str
    version: int
    class_type: str | None
    title: str | None
    starts_at: datetime | None
    ends_on: date | None
    spans_days: bool
    ends_utc: datetime | None
    presence: str | None
    status: str
    student_count: int
    last_day: date | None
    card: str | None
    state: bytes


class DetailsRow(msgspec.Struct, frozen=True, gc=False):
    """A class that stands already, at the times and of the type that it had: no index has to be touched."""

    class_id: str
    version: int
    title: str
    presence: str
    status: str
    student_count: int
    card: str
    state: bytes


class RosterRow(msgspec.Struct, frozen=True, gc=False):
    """A class that stands already, and of which only this changed."""

    class_id: str
    version: int
    status: str
    student_count: int
    state: bytes


class WantedRow(msgspec.Struct, frozen=True, gc=False):
    """The class's side of an entry."""

    class_id: str
    provider_id: str
    wanted: bool
    revision: int


class OutcomeRow(msgspec.Struct, frozen=True, gc=False):
    """The calendar's side of an entry. `outcome_service`, `changed_*` None: as before."""

    class_id: str
    provider_id: str
    standing: bool
    outcome_kind: str
    outcome_revision: int
    outcome_reason: str | None
    outcome_service: str | None
    next_try_at: datetime | None
    changed_kind: str | None
    changed_at: datetime | None

    def after(self, earlier: "OutcomeRow") -> "OutcomeRow":
        """This one, which came after `earlier` in the same batch."""
        kind, at = (self.changed_kind, self.changed_at) if self.changed_at else (earlier.changed_kind, earlier.changed_at)
        service = self.outcome_service or earlier.outcome_service
        return msgspec.structs.replace(self, outcome_service=service, changed_kind=kind, changed_at=at)


class StepRow(msgspec.Struct, frozen=True, gc=False):
    """`step`: StepFacts as JSON."""

    class_id: str
    ref: str
    stage: str
    step: str


class ConnectionRow(msgspec.Struct, frozen=True, gc=False):
    provider_id: str
    grant_id: str
    service: str
    email: str
    state: str
    connected_at: datetime
    changed_at: datetime
    reason: str | None


@dataclass
class Batch:
    """A class is in one of `classes`, `details` and `rosters`. `providers`: who gives a class, where that changed.

    `connections`: None where the topic forgot the provider.
    """

    classes: dict[str, ClassRow] = field(default_factory=dict)
    details: dict[str, DetailsRow] = field(default_factory=dict)
    rosters: dict[str, RosterRow] = field(default_factory=dict)
    providers: dict[str, tuple[str, ...]] = field(default_factory=dict)
    wanted: dict[tuple[str, str], WantedRow] = field(default_factory=dict)
    outcomes: dict[tuple[str, str], OutcomeRow] = field(default_factory=dict)
    steps: list[StepRow] = field(default_factory=list)
    connections: dict[str, ConnectionRow | None] = field(default_factory=dict)

    def changed(self) -> tuple[set[str], set[str]]:
        """Ids of the classes, and of the providers, of which something else is shown now."""
        pairs = (*self.wanted, *self.outcomes)
        class_ids = {*self.classes, *self.details, *self.rosters, *(class_id for class_id, _ in pairs)}
        return class_ids, {*self.connections, *(provider_id for _, provider_id in pairs)}


def clean(text: str) -> str:
    return text.replace("\x00", "\ufffd") if "\x00" in text else text
