"""Calls that nobody awaits any more and that a service carries out late, among changes of a class that come quickly one after another."""

from dataclasses import dataclass
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.properties.test_execution import ACCOUNTS, ENTRIES, Execution, Fault

LATE = (
    Fault.NONE,
    Fault.FAILS_AND_WORKS_LATER,
    Fault.FAILS_AND_WORKS_LATER,
    Fault.KILLED_AND_WORKS_LATER,
    Fault.FAILS_AFTER,
    Fault.SAYS_NO,
)


@dataclass(frozen=True)
class Step:
    """The class changes to one of ENTRIES, or stays, and whatever waits is executed; then old work lands, or time passes, or neither."""

    entry: int | None
    faults: tuple[Fault, ...]
    after: str


steps = st.builds(
    Step,
    entry=st.none() | st.integers(0, len(ENTRIES) - 1),
    faults=st.lists(st.sampled_from(LATE), max_size=2).map(tuple),
    after=st.sampled_from(["", "", "", "lands", "settles"]),
)


@given(account=st.sampled_from(ACCOUNTS), story=st.lists(steps, min_size=2, max_size=8), randomly=st.randoms(use_true_random=False))
@settings(max_examples=600, deadline=None)
def test_whatever_lands_late_the_calendar_shows_the_newest_state_once(account: tuple, story: list[Step], randomly: Random) -> None:  # type: ignore[type-arg]
    it = Execution()
    it.provider_connects(account=account)
    it.class_changes(shown=ENTRIES[0], skipped=0)
    it.settle()
    for step in story:
        if step.entry is not None:
            it.class_changes(shown=ENTRIES[step.entry], skipped=0)
        it.work(list(it.pending), list(step.faults))
        if step.after == "lands":
            it.calendars.late_work_happens(randomly.shuffle)
        elif step.after == "settles":
            it.time_passes(long=False)
        it.at_most_one_event_stands_on_each_calendar()
    it.everything_comes_to_rest()
    it.at_most_one_event_stands_on_each_calendar()
