"""Records of all topics into one batch: class events through the same `evolve` as the fold, the others as they are."""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from adapters.read_model.marks import says_how_it_stands
from adapters.read_model.rows import Batch, StepRow, clean
from schemas.envelope import decode_event
from schemas.errors import ContractViolation
from schemas.topics import Topics
from streams.agents.projection.calendar_rows import connection_row, intent_of, intent_step, outcome_of, outcome_row, outcome_step
from streams.agents.projection.class_rows import class_row, event_step, roster_row, wanted_rows
from streams.domain.evolve import Position, evolve, position
from streams.domain.fold import RawRecord, happened_at, heard_on
from streams.domain.state import ClassState

__all__ = ["Folded", "Folder"]

log = logging.getLogger(__name__)

_EPOCH = datetime.fromtimestamp(0, UTC)

#: (topic, partition) -> its records, in order.
Records = Mapping[tuple[str, int], Sequence[RawRecord]]


@dataclass
class Folded:
    """What was folded and is not written yet. `counts`: (topic, `folded`, `repeat` or `skipped`) -> records.

    `positions`: (topic, partition) -> the next offset to read. `before`: what classes were before, None for a new one.
    """

    batch: Batch = field(default_factory=Batch)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    positions: dict[tuple[str, int], int] = field(default_factory=dict)
    before: dict[str, ClassState | None] = field(default_factory=dict)

    @property
    def records(self) -> int:
        return self.counts.total()


class Folder:
    """Keeps the states of classes that it has seen; `unknown` says which it has to be given (by `learn`) before a fold."""

    def __init__(self, topics: Topics) -> None:
        self._states: dict[str, ClassState | None] = {}
        self._class_events = topics.class_events
        self._handlers: dict[str, Callable[[Folded, int, RawRecord], str]] = {
            topics.intents: self._intent,
            topics.outcomes: self._outcome,
            topics.connection_status: self._status,
        }

    @property
    def topics(self) -> tuple[str, ...]:
        return (self._class_events, *self._handlers)

    def __len__(self) -> int:
        return len(self._states)

    def unknown(self, records: Records) -> list[str]:
        """Ids of classes whose state is not held here."""
        keys = {record.key for (topic, _), chunk in records.items() if topic == self._class_events for record in chunk}
        ids = (key.decode(errors="replace") for key in keys if key is not None)
        return [class_id for class_id in ids if class_id not in self._states]

    def learn(self, states: Mapping[str, ClassState | None]) -> None:
        self._states.update(states)

    def forget(self, class_ids: Iterable[str] | None = None) -> None:
        """All, or these: they have to be learnt again."""
        if class_ids is None:
            self._states.clear()
            return
        for class_id in class_ids:
            self._states.pop(class_id, None)

    def fold(self, records: Records, folded: Folded) -> None:
        """Into `folded`. What does not keep its contract is counted, logged and skipped: whoever works with it dead-letters it."""
        for (topic, partition), chunk in records.items():
            handle = self._handlers.get(topic, self._class_event)
            for record in chunk:
                try:
                    result = handle(folded, partition, record)
                except ContractViolation as violation:
                    result = "skipped"
                    extra = {"topic": topic, "partition": partition, "offset": record.offset, "code": violation.code}
                    log.warning("a record breaks its contract and is left out of the read model", extra=extra)
                folded.counts[topic, result] += 1
            folded.positions[topic, partition] = chunk[-1].offset + 1

    def seal(self, folded: Folded) -> None:
        """Before it is written: each class that changed, once, as it is now."""
        batch = folded.batch
        for class_id, was in folded.before.items():
            now = self._states[class_id]
            if now is None:
                raise RuntimeError("a class without a state was folded")
            key = clean(class_id)
            if was is not None and was.details is now.details is not None:
                batch.rosters[key] = roster_row(key, now)
                continue
            batch.classes[key] = class_row(key, now)
            given_before = was.details.provider_ids if was is not None and was.details is not None else ()
            given_now = now.details.provider_ids if now.details is not None else ()
            if given_before != given_now:
                batch.providers[key] = tuple(map(clean, given_now))

    def _class_event(self, folded: Folded, _partition: int, record: RawRecord) -> str:
        received = decode_event(record.key, record.value, record.headers)
        event = received.event
        class_id = event.class_id
        before = self._states.get(class_id)
        if position(before, event) is Position.REPEAT:
            return "repeat"
        happened = happened_at(received.time, record.timestamp)
        after = evolve(before, event, heard_on(before, happened, record.timestamp))
        folded.before.setdefault(class_id, before)
        self._states[class_id] = after
        folded.batch.steps.append(event_step(received, happened or _EPOCH, before, after))
        for row in wanted_rows(class_id, before, after):
            folded.batch.wanted[row.class_id, row.provider_id] = row
        return "folded"

    @staticmethod
    def _intent(folded: Folded, _partition: int, record: RawRecord) -> str:
        folded.batch.steps.append(intent_step(intent_of(record), record))
        return "folded"

    @staticmethod
    def _outcome(folded: Folded, partition: int, record: RawRecord) -> str:
        outcome = outcome_of(record)
        step: StepRow = outcome_step(outcome, partition, record.offset)
        folded.batch.steps.append(step)
        if says_how_it_stands(outcome):
            row, key = outcome_row(outcome), (step.class_id, step.provider_id or "")
            earlier = folded.batch.outcomes.get(key)
            folded.batch.outcomes[key] = row if earlier is None else row.after(earlier)
        return "folded"

    @staticmethod
    def _status(folded: Folded, _partition: int, record: RawRecord) -> str:
        if record.value is None and record.key is not None:  # a tombstone: the topic forgets a provider
            folded.batch.connections[clean(record.key.decode(errors="replace"))] = None
            return "folded"
        row = connection_row(record)
        folded.batch.connections[row.provider_id] = row
        return "folded"
