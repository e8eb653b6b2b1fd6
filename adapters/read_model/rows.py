"""What one batch writes. Fields stand in the order of their table's columns; the store adds `seq`.

Text is as it came, but for U+0000, which PostgreSQL cannot hold: see `clean`.
"""

from dataclasses import dataclass, field
from datetime import date, datetime

import msgspec

__all__ = ["Batch", "ClassRow", "ConnectionRow", "OutcomeRow", "RosterRow", "StepRow", "WantedRow", "clean"]


class ClassRow(msgspec.Struct, frozen=True, gc=False):
    class_id: str
    version: int
    kind: str | None
    class_type: str | None
    title: str | None
    starts_at: datetime | None
    ends_at: datetime | None
    time_zone: str | None
    starts_on: date | None
    ends_on: date | None
    spans_days: bool
    starts_utc: datetime | None
    ends_utc: datetime | None
    location: str | None
    presence: str | None
    url: str | None
    provider_ids: str | None
    status: str
    student_count: int
    last_day: date | None
    state: bytes


class RosterRow(msgspec.Struct, frozen=True, gc=False):
    """A class that stands already, and of which only this changed. The store puts `seq` before `class_id`."""

    version: int
    status: str
    student_count: int
    state: bytes
    class_id: str


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
    class_id: str
    ref: str
    stage: str
    at: datetime
    revision: int
    provider_id: str | None
    kind: str
    facts: str


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
    """`rosters` are of classes that are not in `classes`. `providers`: who gives a class, where that changed.

    `connections`: None where the topic forgot the provider.
    """

    classes: dict[str, ClassRow] = field(default_factory=dict)
    rosters: dict[str, RosterRow] = field(default_factory=dict)
    providers: dict[str, tuple[str, ...]] = field(default_factory=dict)
    wanted: dict[tuple[str, str], WantedRow] = field(default_factory=dict)
    outcomes: dict[tuple[str, str], OutcomeRow] = field(default_factory=dict)
    steps: list[StepRow] = field(default_factory=list)
    connections: dict[str, ConnectionRow | None] = field(default_factory=dict)


def clean(text: str) -> str:
    return text.replace("\x00", "\ufffd") if "\x00" in text else text
