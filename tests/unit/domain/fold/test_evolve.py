from datetime import date, datetime

import pytest

from schemas.events import ClassEvent, Kind, Presence
from streams.domain.evolve import Position, evolve, position
from streams.domain.state import ClassDetails, ClassState
from tests.support.class_events import (
    added,
    cancelled,
    details_changed,
    reassigned,
    relocated,
    removed,
    rescheduled,
    scheduled,
    snapshotted,
)
from tests.unit.domain.fold.fold_story import fold


def details(state: ClassState) -> ClassDetails:
    assert state.details is not None
    return state.details


def test_a_scheduled_class_is_known_and_not_booked() -> None:
    state = fold(scheduled())
    assert details(state) == ClassDetails(
        kind=Kind.CLASS,
        class_type="yoga",
        title="Yoga for all",
        starts_at=datetime(2027, 3, 8, 9, 30),
        ends_at=datetime(2027, 3, 8, 10, 30),
        time_zone="Europe/Berlin",
        location="Room 1",
        presence=Presence.IN_PERSON,
        provider_ids=("ada",),
        url="https://classes.example/7",
    )
    assert (state.version, state.cancelled, state.students, state.booked) == (1, False, (), False)


def test_one_student_books_a_class_and_the_last_to_leave_frees_it() -> None:
    one = fold(scheduled(), added(2, "s1"))
    assert one.booked
    two = evolve(one, added(3, "s2"))
    assert evolve(two, removed(4, "s1")).booked
    assert not evolve(evolve(two, removed(4, "s1")), removed(5, "s2")).booked


def test_a_student_counts_once_however_often_added() -> None:
    state = fold(scheduled(), added(2, "s1"), added(3, "s1"), removed(4, "s1"))
    assert state.students == ()


def test_removing_a_student_who_is_not_there_changes_only_the_version() -> None:
    state = fold(scheduled(), added(2, "s1"), removed(3, "s0"), removed(4, "s2"))
    assert (state.version, state.students) == (4, ("s1",))


def test_the_roster_is_the_same_whatever_the_order_of_joining() -> None:
    assert fold(added(1, "b"), added(2, "c"), added(3, "a")) == fold(added(1, "c"), added(2, "a"), added(3, "b"))


def test_rescheduling_changes_time_and_zone_and_nothing_else() -> None:
    before, after = fold(scheduled()), fold(scheduled(), rescheduled(2, day=28, time_zone="America/New_York"))
    assert details(after).starts_at == datetime(2027, 3, 28, 18, 0)
    assert details(after).ends_at == datetime(2027, 3, 28, 19, 0)
    assert details(after).time_zone == "America/New_York"
    assert (details(after).title, details(after).provider_ids) == (details(before).title, details(before).provider_ids)


def test_relocating_without_a_presence_keeps_it() -> None:
    state = fold(scheduled(presence=Presence.HYBRID), relocated(2, "Room 2"))
    assert (details(state).location, details(state).presence) == ("Room 2", Presence.HYBRID)


def test_relocating_with_a_presence_changes_it() -> None:
    state = fold(scheduled(), relocated(2, "", Presence.ONLINE))
    assert (details(state).location, details(state).presence) == ("", Presence.ONLINE)


def test_reassigning_replaces_the_providers_each_once() -> None:
    state = fold(scheduled(provider_ids=("ada", "ada", "bob")), reassigned(2, "cy", "bob", "cy"))
    assert details(fold(scheduled(provider_ids=("ada", "ada", "bob")))).provider_ids == ("ada", "bob")
    assert details(state).provider_ids == ("cy", "bob")


def test_changed_details_leave_absent_fields_alone() -> None:
    state = fold(scheduled(), details_changed(2, title="Yin"))
    assert (details(state).title, details(state).class_type, details(state).url) == ("Yin", "yoga", "https://classes.example/7")


def test_a_url_of_null_takes_the_link_away_and_other_details_change() -> None:
    state = fold(scheduled(), details_changed(2, url=None, class_type="yin"))
    assert (details(state).title, details(state).class_type, details(state).url) == ("Yoga for all", "yin", None)


def test_scheduling_again_without_a_url_takes_the_link_away() -> None:
    assert details(fold(scheduled(), scheduled(2, url=None))).url is None


def test_cancelling_keeps_roster_and_details() -> None:
    before = fold(scheduled(), added(2, "s1"))
    after = evolve(before, cancelled(3))
    assert after.cancelled
    assert not after.booked
    assert (after.students, after.details) == (before.students, before.details)


def test_roster_events_of_a_cancelled_class_are_folded() -> None:
    state = fold(scheduled(), added(2, "s1"), cancelled(3), removed(4, "s1"), added(5, "s2"))
    assert state.cancelled
    assert state.students == ("s2",)


def test_changes_of_a_cancelled_class_are_folded_and_do_not_revive_it() -> None:
    state = fold(scheduled(), added(2), cancelled(3), relocated(4, "Room 9"), rescheduled(5))
    assert state.cancelled
    assert details(state).location == "Room 9"


def test_scheduling_with_a_higher_version_revives_a_cancelled_class_with_its_roster() -> None:
    state = fold(scheduled(), added(2, "s1"), cancelled(3), scheduled(4, title="Back again"))
    assert state.booked
    assert (state.students, details(state).title) == (("s1",), "Back again")


def test_the_roster_of_a_class_not_yet_scheduled_counts_once_it_is() -> None:
    unknown = fold(added(1, "s1"), added(2, "s2"), removed(3, "s2"))
    assert (unknown.details, unknown.booked) == (None, False)
    assert evolve(unknown, scheduled(4)).booked


@pytest.mark.parametrize("event", [rescheduled(2), relocated(2), reassigned(2, "bob"), details_changed(2, title="Yin")])
def test_a_change_of_a_class_never_scheduled_advances_the_version_only(event: ClassEvent) -> None:
    assert fold(added(1, "s1"), event) == ClassState(version=2, students=("s1",))


def test_a_class_never_scheduled_remembers_that_it_was_cancelled_until_it_is_scheduled() -> None:
    state = fold(cancelled(1), added(2, "s1"))
    assert state.cancelled
    assert evolve(state, scheduled(3)).booked


def test_a_snapshot_replaces_everything() -> None:
    before = fold(scheduled(), added(2, "s1"), cancelled(3))
    after = evolve(before, snapshotted(9, "s3", "s2", "s3", title="Whole", url=None, provider_ids=("bob", "bob")))
    assert (after.version, after.cancelled, after.students) == (9, False, ("s2", "s3"))
    assert (details(after).title, details(after).url, details(after).provider_ids) == ("Whole", None, ("bob",))


def test_a_snapshot_can_cancel_and_empty_a_class() -> None:
    after = fold(scheduled(), added(2, "s1"), snapshotted(3, cancelled=True))
    assert (after.cancelled, after.students) == (True, ())


def test_a_snapshot_may_be_the_first_that_is_heard_of_a_class() -> None:
    assert fold(snapshotted(40, "s1")).booked


@pytest.mark.parametrize(
    "event",
    [
        scheduled(3, title="x"),
        snapshotted(2),
        rescheduled(1),
        relocated(3),
        reassigned(3, "bob"),
        details_changed(3, title="x"),
        cancelled(3),
        added(3, "s9"),
        removed(3, "s1"),
    ],
)
def test_a_version_at_or_below_the_folded_changes_nothing_at_all(event: ClassEvent) -> None:
    state = fold(scheduled(), added(2, "s1"), added(3, "s2"))
    assert evolve(state, event, date(2027, 1, 1)) is state


def test_a_gap_is_folded_and_what_comes_late_out_of_it_is_not() -> None:
    state = fold(scheduled(), added(5, "s1"))
    assert (state.version, state.students) == (5, ("s1",))
    assert evolve(state, cancelled(3)) is state


@pytest.mark.parametrize(
    ("version", "expected"), [(1, Position.REPEAT), (4, Position.REPEAT), (5, Position.NEXT), (6, Position.GAP), (99, Position.GAP)]
)
def test_an_event_is_next_a_repeat_or_after_a_gap(version: int, expected: Position) -> None:
    assert position(ClassState(version=4), added(version)) is expected


@pytest.mark.parametrize(("version", "expected"), [(1, Position.NEXT), (2, Position.GAP)])
def test_the_first_event_of_a_class_is_next_at_version_one_only(version: int, expected: Position) -> None:
    assert position(None, added(version)) is expected


def test_the_day_of_the_last_event_is_kept_and_an_event_without_a_time_leaves_it() -> None:
    state = evolve(None, scheduled(), date(2027, 1, 1))
    assert state.last_event_on == date(2027, 1, 1)
    assert evolve(state, added(2)).last_event_on == date(2027, 1, 1)
    assert evolve(state, added(2), date(2027, 1, 3)).last_event_on == date(2027, 1, 3)


def test_folding_leaves_the_state_before_as_it_was() -> None:
    before = fold(scheduled(), added(2, "s1"))
    kept = fold(scheduled(), added(2, "s1"))
    evolve(before, snapshotted(3, "s2", title="Other"))
    evolve(before, added(3, "s0"))
    assert before == kept
