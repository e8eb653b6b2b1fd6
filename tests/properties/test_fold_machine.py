"""A class lives on while workers stop, lose what they had not stored, and get records again: the calendars stay right."""

from datetime import UTC, datetime

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from schemas.envelope import encode_event
from schemas.events import ClassEvent
from schemas.intents import Intent
from schemas.wall_time import instants
from streams.domain.evolve import Position, position
from streams.domain.intents import wanted
from streams.domain.state import ClassState, decode_state, encode_state
from tests.support.calendars import run, standing
from tests.support.class_events import CLASS_ID
from tests.support.histories import Line
from tests.support.oracle import what_must_stand
from tests.support.strategies import class_events

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


class FoldWorker(RuleBasedStateMachine):
    """`topic` is what was published; `committed` how much of it the worker need not read again, and `stored` its state by then."""

    def __init__(self) -> None:
        super().__init__()
        self.topic: list[ClassEvent] = []
        self.intents: list[Intent] = []
        self.state: ClassState | None = None
        self.stored: bytes | None = None
        self.committed = 0

    @property
    def version(self) -> int:
        return 0 if self.state is None else self.state.version

    def publish(self, event: ClassEvent, expected: Position) -> list[Intent]:
        assert position(self.state, event) is expected
        self.topic.append(event)
        before = self.version
        self.state, made = run(CLASS_ID, [event], self.state)
        assert self.version == (before if expected is Position.REPEAT else event.version)
        self.intents += made
        return made

    @rule(data=st.data())
    def next_event(self, data: st.DataObject) -> None:
        self.publish(data.draw(class_events(self.version + 1)), Position.NEXT)

    @rule(data=st.data(), skipped=st.integers(1, 5))
    def event_after_a_gap(self, data: st.DataObject, skipped: int) -> None:
        self.publish(data.draw(class_events(self.version + 1 + skipped)), Position.GAP)

    @rule(data=st.data())
    def late_event(self, data: st.DataObject) -> None:
        if self.version:
            late = data.draw(class_events(data.draw(st.integers(1, self.version))))
            assert self.publish(late, Position.REPEAT) == []

    @rule(data=st.data())
    def published_again(self, data: st.DataObject) -> None:
        if self.topic:
            assert self.publish(data.draw(st.sampled_from(self.topic)), Position.REPEAT) == []

    @rule()
    def batch_is_finished(self) -> None:
        self.stored = None if self.state is None else encode_state(self.state)
        self.committed = len(self.topic)

    @rule()
    def killed_and_restarted(self) -> None:
        """State goes back to what was stored; the rest is read again, and its intents are sent a second time."""
        before = self.state
        self.state = None if self.stored is None else decode_state(self.stored)
        self.state, made = run(CLASS_ID, self.topic[self.committed :], self.state)
        assert self.state == before
        assert all(intent in self.intents for intent in made)
        self.intents += made

    @rule()
    def offsets_are_lost_and_all_is_read_again(self) -> None:
        assert run(CLASS_ID, self.topic, self.state) == (self.state, [])

    @rule()
    def table_is_lost_and_folded_again(self) -> None:
        self.state, made = run(CLASS_ID, self.topic)
        assert all(intent in self.intents for intent in made)
        self.intents += made

    @invariant()
    def calendars_show_what_the_state_wants(self) -> None:
        assert standing(self.intents) == wanted(self.state)

    @invariant()
    def calendars_show_what_the_oracle_says(self) -> None:
        expected = what_must_stand(self.lines())
        shown = standing(self.intents)
        assert {provider_id for provider_id, _ in expected} == set(shown)
        for (provider_id, _), there in expected.items():
            entry = shown[provider_id]
            assert instants(entry.starts_at, entry.ends_at, entry.time_zone) == (there.starts_at, there.ends_at)
            assert (entry.title, entry.location, entry.url) == (there.title, there.location, there.url)

    def lines(self) -> list[Line]:
        values = (encode_event(event, id="event-1", time=NOW) for event in self.topic)
        return [Line(key=CLASS_ID.encode(), value=value, headers=(), expect="") for value in values]


TestFoldWorker = FoldWorker.TestCase
TestFoldWorker.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
