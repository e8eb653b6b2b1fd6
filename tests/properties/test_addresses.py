"""One mailbox under several addresses (an alias, a renamed account), whose grants come and go among changes of a class."""

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.connections import Service
from tests.properties.test_execution import ALIASES, ENTRIES, Execution, Fault

#: Two of one mailbox, and one of another.
ADDRESSES = (*sorted({each.email for pair in ALIASES.items() for each in pair}), "ada@home.example")
LEAVES = "leaves"
FAULTS = (Fault.NONE, Fault.NONE, Fault.FAILS_AND_WORKS_LATER, Fault.KILLED_AND_WORKS_LATER, Fault.FAILS_AFTER, Fault.KILLED_AFTER)


@dataclass(frozen=True)
class Step:
    """The class changes to one of ENTRIES, or stays; the grant dies, or not; an address is connected, or left; what waits is executed."""

    entry: int | None
    dies: bool
    address: str | None
    faults: tuple[Fault, ...]
    lands: bool


steps = st.builds(
    Step,
    entry=st.none() | st.integers(0, len(ENTRIES) - 1),
    dies=st.booleans(),
    address=st.none() | st.sampled_from((LEAVES, *ADDRESSES)),
    faults=st.lists(st.sampled_from(FAULTS), max_size=2).map(tuple),
    lands=st.booleans(),
)


@given(service=st.sampled_from(Service), story=st.lists(steps, min_size=2, max_size=6))
@settings(max_examples=300, deadline=None)
def test_a_mailbox_shows_a_class_once_whatever_its_address(service: Service, story: list[Step]) -> None:
    it = Execution()
    it.provider_connects(account=(service, ADDRESSES[0]))
    it.class_changes(shown=ENTRIES[0], skipped=0)
    it.settle()
    for step in story:
        if step.entry is not None:
            it.class_changes(shown=ENTRIES[step.entry], skipped=0)
        if step.dies and it.connection.current is not None:
            it.calendars.dead_grants.add(it.connection.current.grant_id)
            it.work(list(it.topic), [])
        if step.address == LEAVES:
            if it.connection.current is not None:
                it.provider_disconnects(remove_events=step.lands)
        elif step.address is not None:
            it.provider_connects(account=(service, step.address))
        it.work(list(it.pending), list(step.faults))
        if step.lands:
            it.calendars.late_work_happens()
        it.at_most_one_event_stands_on_each_calendar()
    for address in ADDRESSES:
        it.provider_connects(account=(service, address))
        it.everything_comes_to_rest()
        it.at_most_one_event_stands_on_each_calendar()
