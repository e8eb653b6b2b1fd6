"""Records of all topics into one batch: class events through the same `evolve` as the fold, the others as they are."""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from adapters.read_model.marks import says_how_it_stands
from adapters.read_model.rows import Batch, clean
from schemas.envelope import decode_event
from schemas.errors import ContractViolation
from schemas.topics import Topics
from streams.agents.projection.calendar_rows import connection_row, intent_of, intent_step, outcome_of, outcome_row, outcome_step
from streams.agents.projection.class_rows import add_class, event_step, wanted_rows
from streams.domain.evolve import evolve
from streams.domain.fold import RawRecord, happened_at, heard_on
from streams.domain.intents import may_differ
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
            results: list[str] = []
            for record in chunk:
                try:
                    results.append(handle(folded, partition, record))
                except ContractViolation as violation:
                    results.append("skipped")
                    extra = {"topic": topic, "partition": partition, "offset": record.offset, "code": violation.code}
                    log.warning("a record breaks its contract and is left out of the read model", extra=extra)
            for result in set(results):
                folded.counts[topic, result] += results.count(result)
            folded.positions[topic, partition] = chunk[-1].offset + 1

    def seal(self, folded: Folded) -> None:
        """Before it is written: each class that changed, once, as it is now."""
        for class_id, was in folded.before.items():
            now = self._states[class_id]
            if now is None:
                raise RuntimeError("a class without a state was folded")
            add_class(folded.batch, clean(class_id), was, now)

    def _class_event(self, folded: Folded, _partition: int, record: RawRecord) -> str:
        received = decode_event(record.key, record.value, record.headers)
        class_id = received.event.class_id
        before = self._states.get(class_id)
        happened = happened_at(received.time, record.timestamp)
        after = evolve(before, received.event, heard_on(before, happened, record.timestamp))
        if after is before:
            return "repeat"
        folded.before.setdefault(class_id, before)
        self._states[class_id] = after
        folded.batch.steps.append(event_step(clean(class_id), received, happened or _EPOCH, before, after))
        if may_differ(before, after):
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
        folded.batch.steps.append(outcome_step(outcome, partition, record.offset))
        if says_how_it_stands(outcome):
            row = outcome_row(outcome)
            key = (row.class_id, row.provider_id)
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
