"""What may be committed: never past anything unfinished, whatever finishes when."""

import hypothesis.strategies as st
from hypothesis import given, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from streams.engine.offsets import OffsetTracker, Partition, Ticket

P: Partition = ("events", 0)
Q: Partition = ("events", 1)


def test_nothing_finished_nothing_to_commit() -> None:
    tracker = OffsetTracker()
    tracker.open(P, 0)
    assert tracker.positions() == {}
    assert tracker.unfinished() == 1


def test_what_finishes_out_of_order_waits_for_what_came_before() -> None:
    tracker = OffsetTracker()
    first, second, third = (tracker.open(P, offset) for offset in (36, 37, 38))
    tracker.finish(third)
    assert tracker.positions() == {}
    tracker.finish(first)
    assert tracker.positions() == {P: 37}
    tracker.finish(second)
    assert tracker.positions() == {P: 39}
    assert tracker.unfinished() == 0


def test_holes_in_the_log_are_passed_over() -> None:
    tracker = OffsetTracker()
    for offset in (3, 900, 901, 5000):
        tracker.finish(tracker.open(P, offset))
    assert tracker.positions() == {P: 5001}


def test_partitions_do_not_wait_for_each_other() -> None:
    tracker = OffsetTracker()
    tracker.open(P, 0)
    tracker.finish(tracker.open(Q, 7))
    assert tracker.positions() == {Q: 8}


def test_finishing_twice_counts_once() -> None:
    tracker = OffsetTracker()
    first = tracker.open(P, 0)
    tracker.open(P, 1)
    tracker.finish(first)
    tracker.finish(first)
    assert tracker.positions() == {P: 1}
    assert tracker.unfinished() == 1


def test_after_a_reset_what_was_open_before_counts_for_nothing() -> None:
    tracker = OffsetTracker()
    before, epoch = tracker.open(P, 10), tracker.epoch
    tracker.reset()
    after = tracker.open(P, 3)
    tracker.finish(before)
    assert tracker.positions() == {}
    tracker.finish(after)
    assert tracker.positions() == {P: 4}
    assert not tracker.accepts(epoch)
    assert tracker.accepts(tracker.epoch)


def test_while_suspended_nothing_is_begun_and_what_runs_may_finish() -> None:
    tracker = OffsetTracker()
    running = tracker.open(P, 0)
    tracker.suspend()
    assert not tracker.accepts(tracker.epoch)
    tracker.finish(running)
    assert tracker.positions() == {P: 1}
    tracker.resume()
    assert tracker.accepts(tracker.epoch)


def test_a_reset_does_not_resume() -> None:
    tracker = OffsetTracker()
    tracker.suspend()
    tracker.reset()
    assert not tracker.accepts(tracker.epoch)


def test_once_closed_nothing_is_begun_whatever_is_resumed() -> None:
    tracker = OffsetTracker()
    running = tracker.open(P, 0)
    tracker.close()
    tracker.resume()
    assert not tracker.accepts(tracker.epoch)
    tracker.finish(running)
    assert tracker.positions() == {P: 1}


@given(gaps=st.lists(st.integers(1, 50), min_size=1, max_size=30), data=st.data())
@settings(deadline=None)
def test_every_order_ends_behind_the_last_record(gaps: list[int], data: st.DataObject) -> None:
    tracker = OffsetTracker()
    offsets = [sum(gaps[: number + 1]) for number in range(len(gaps))]
    tickets = [tracker.open(P, offset) for offset in offsets]
    for number in data.draw(st.permutations(range(len(tickets)))):
        tracker.finish(tickets[number])
        prefix = next((index for index, ticket in enumerate(tickets) if not ticket.finished), len(tickets))
        assert tracker.positions().get(P) == (offsets[prefix - 1] + 1 if prefix else None)


class Tracking(RuleBasedStateMachine):
    """Two partitions, tickets in the order of the log, finished in any order; partitions that move away begin anew."""

    def __init__(self) -> None:
        super().__init__()
        self.tracker = OffsetTracker()
        self.log: dict[Partition, int] = {P: 0, Q: 0}
        self.open: list[Ticket] = []
        self.lost: list[Ticket] = []

    @rule(partition=st.sampled_from([P, Q]), gap=st.integers(1, 5))
    def record_arrives(self, partition: Partition, gap: int) -> None:
        self.log[partition] += gap
        self.open.append(self.tracker.open(partition, self.log[partition]))

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def record_is_done(self, data: st.DataObject) -> None:
        ticket = data.draw(st.sampled_from(self.open))
        self.tracker.finish(ticket)
        self.open.remove(ticket)

    @rule()
    def partitions_move(self) -> None:
        self.lost += self.open
        self.open = []
        self.log = {partition: self.tracker.positions().get(partition, 0) for partition in (P, Q)}
        self.tracker.reset()

    @precondition(lambda self: self.lost)
    @rule(data=st.data())
    def a_straggler_is_done(self, data: st.DataObject) -> None:
        before = dict(self.tracker.positions())
        self.tracker.finish(data.draw(st.sampled_from(self.lost)))
        assert self.tracker.positions() == before

    @invariant()
    def nothing_is_committed_past_what_is_unfinished(self) -> None:
        for partition, position in self.tracker.positions().items():
            assert all(ticket.last >= position for ticket in self.open if ticket.partition == partition)
            assert position <= self.log[partition] + 1


TestTracking = Tracking.TestCase
TestTracking.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
