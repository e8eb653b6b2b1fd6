"""What holds of the fold for any history of one class."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st
from rich.pretty import pretty_repr

from schemas.codec import decode_intent, encode
from schemas.events import ClassEvent, StudentAdded, StudentRemoved
from schemas.intents import Intent
from streams.domain.evolve import Position, evolve, position
from streams.domain.intents import derive_intents, wanted
from streams.domain.state import ClassState, decode_state, encode_state
from tests.support.calendars import CAUSE, newest, run, standing
from tests.support.class_events import CLASS_ID
from tests.support.strategies import SECRET, histories


@st.composite
def split_histories(draw: st.DrawFn) -> list[list[ClassEvent]]:
    """A history cut into batches, some of them empty."""
    history = draw(histories())
    cuts = sorted(draw(st.lists(st.integers(0, len(history)), max_size=4)))
    return [history[start:end] for start, end in zip([0, *cuts], [*cuts, len(history)], strict=True)]


@given(histories())
def test_what_stands_in_the_end_is_what_the_last_state_wants(history: list[ClassEvent]) -> None:
    state, intents = run(CLASS_ID, history)
    assert standing(intents) == wanted(state)


@given(histories(), st.randoms(use_true_random=False))
def test_intents_may_be_carried_out_in_any_order_and_more_than_once(history: list[ClassEvent], random: Random) -> None:
    state, intents = run(CLASS_ID, history)
    shuffled = intents + intents[: len(intents) // 2]
    random.shuffle(shuffled)
    assert standing(shuffled) == wanted(state)


@given(histories(), st.data())
def test_replaying_a_history_or_any_part_of_it_changes_nothing(history: list[ClassEvent], data: st.DataObject) -> None:
    state, _ = run(CLASS_ID, history)
    start, end = data.draw(st.tuples(st.integers(0, len(history)), st.integers(0, len(history))))
    assert run(CLASS_ID, history[start:end], state) == (state, [])
    assert run(CLASS_ID, history, state)[0] is state


@given(histories())
def test_repeating_every_event_at_once_changes_nothing(history: list[ClassEvent]) -> None:
    assert run(CLASS_ID, [event for event in history for _ in range(2)]) == run(CLASS_ID, history)


@given(split_histories())
def test_batches_make_no_difference_though_the_state_is_stored_between(batches: list[list[ClassEvent]]) -> None:
    at_once = run(CLASS_ID, [event for batch in batches for event in batch])
    state: ClassState | None = None
    intents: list[Intent] = []
    for batch in batches:
        state, made = run(CLASS_ID, batch, state)
        intents += made
        state = None if state is None else decode_state(encode_state(state))
    assert (state, intents) == at_once


@given(split_histories())
def test_deriving_once_a_batch_ends_with_the_same_calendars(batches: list[list[ClassEvent]]) -> None:
    state: ClassState | None = None
    intents: list[Intent] = []
    for batch in batches:
        before, (state, _) = state, run(CLASS_ID, batch, state)
        if state is not None:
            intents += derive_intents(CLASS_ID, before, state, CAUSE)
    assert standing(intents) == wanted(state)
    assert state == run(CLASS_ID, [event for batch in batches for event in batch])[0]


@given(histories(), st.data())
def test_a_worker_killed_before_it_stored_makes_the_same_intents_again(history: list[ClassEvent], data: st.DataObject) -> None:
    stored_after = data.draw(st.integers(0, len(history)))
    stored, sent = run(CLASS_ID, history[:stored_after])
    lost_state, sent_before_kill = run(CLASS_ID, history[stored_after:], stored)
    again_state, sent_again = run(CLASS_ID, history[stored_after:], stored)
    assert (again_state, [encode(intent) for intent in sent_again]) == (lost_state, [encode(intent) for intent in sent_before_kill])
    assert newest(sent + sent_before_kill + sent_again) == newest(sent + sent_before_kill)


@given(histories())
def test_an_intent_always_differs_from_the_one_before_it(history: list[ClassEvent]) -> None:
    shown: dict[str, object] = {}
    for intent in run(CLASS_ID, history)[1]:
        assert intent.entry != shown.get(intent.provider_id)
        shown[intent.provider_id] = intent.entry


@given(histories())
def test_revisions_rise_and_ids_are_unique(history: list[ClassEvent]) -> None:
    _, intents = run(CLASS_ID, history)
    revisions = [intent.revision for intent in intents]
    assert revisions == sorted(revisions)
    assert len({intent.id for intent in intents}) == len(intents)


@given(histories())
def test_no_student_comes_out_of_the_fold(history: list[ClassEvent]) -> None:
    state: ClassState | None = None
    for event in history:
        before, state = state, evolve(state, event)
        made = derive_intents(CLASS_ID, before, state, CAUSE)
        assert SECRET not in repr(made) + repr(state) + pretty_repr(state) + repr(wanted(state))
        assert SECRET.encode() not in encode(made)
        assert [decode_intent(encode(intent)) for intent in made] == list(made)


@given(histories())
def test_who_is_on_the_roster_costs_nothing_while_somebody_is(history: list[ClassEvent]) -> None:
    state: ClassState | None = None
    for event in history:
        before, state = state, evolve(state, event)
        if isinstance(event, StudentAdded | StudentRemoved) and before is not None and before.booked == state.booked:
            assert derive_intents(CLASS_ID, before, state, CAUSE) == ()


@given(histories())
def test_the_roster_is_sorted_and_each_student_once(history: list[ClassEvent]) -> None:
    state, _ = run(CLASS_ID, history)
    assert state is not None
    assert list(state.students) == sorted(set(state.students))


@given(histories())
def test_the_state_is_at_the_highest_version_and_every_event_has_its_position(history: list[ClassEvent]) -> None:
    state: ClassState | None = None
    for event in history:
        seen = 0 if state is None else state.version
        expected = {seen + 1: Position.NEXT}.get(event.version, Position.GAP if event.version > seen else Position.REPEAT)
        assert position(state, event) is expected
        state = evolve(state, event)
        assert state.version == max(seen, event.version)
