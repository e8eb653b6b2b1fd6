"""What is done next for one class on one provider's calendar, rule by rule."""

from datetime import datetime, timedelta

import pytest

from adapters.ports import RemoteEvent
from schemas.connections import Service
from schemas.intents import CalendarEntry
from schemas.outcomes import Reason
from streams.domain.agenda import Agenda, Dismissed, merge
from streams.domain.entry import when_and_where
from streams.domain.owed import may_appear_for, still_wanted
from streams.domain.reconcile import Adopt, Create, Delete, Done, Rest, Settle, Update, reconcile
from streams.domain.transitions import (
    after_create,
    after_delete,
    after_gone,
    after_look,
    after_no,
    after_no_to_create,
    after_update,
    begin_again,
    begin_create,
    begin_delete,
    begin_update,
    next_generation,
)
from tests.support.execution import NOW, agenda, applied, connected, creating, entry, held, intent

HELD = held()
CONNECTED = connected(HELD)
DEAD = connected(held(usable=False))
GONE = connected(None)
OTHER = held(2, email="ada@home.example")
#: When a call that begins now will not be carried out any more, should it never be answered.
SETTLE = timedelta(seconds=30)
SETTLED = NOW + SETTLE
LATER = SETTLED + SETTLE
ENDED = datetime(2027, 4, 1, tzinfo=NOW.tzinfo)
MOVED = entry(starts_at=datetime(2027, 3, 9, 18), ends_at=datetime(2027, 3, 9, 19))
CREATE = Create(grant=HELD, entry=entry(), revision=1, generation=0)


def remote(revision: int = 1, generation: int = 0) -> RemoteEvent:
    return RemoteEvent(remote_id="remote-x", revision=revision, generation=generation)


# booked, moved, cancelled


def test_a_class_that_shall_stand_is_created() -> None:
    assert reconcile(agenda(intent(3)), CONNECTED, NOW) == Create(grant=HELD, entry=entry(), revision=3, generation=0)


def test_a_class_that_stands_as_it_shall_is_left_alone() -> None:
    assert reconcile(agenda(intent(3), applied=applied()), CONNECTED, NOW) == Done()


def test_a_newer_revision_that_shows_the_same_costs_no_call() -> None:
    assert reconcile(agenda(intent(1), intent(9), applied=applied()), CONNECTED, NOW) == Done()


def test_a_change_overwrites_what_stands() -> None:
    stands = applied()
    assert reconcile(agenda(intent(2, MOVED), applied=stands), CONNECTED, NOW) == Update(
        grant=HELD, applied=stands, entry=MOVED, revision=2
    )


def test_a_class_that_shall_not_stand_is_deleted() -> None:
    stands = applied()
    assert reconcile(agenda(intent(2, None), applied=stands), CONNECTED, NOW) == Delete(grant=HELD, applied=stands)


def test_what_never_stood_needs_no_delete() -> None:
    assert reconcile(agenda(intent(1, None)), CONNECTED, NOW) == Done()
    assert reconcile(agenda(), CONNECTED, NOW) == Done()
    assert reconcile(agenda(), None, NOW) == Done()


# classes that have ended


def test_nothing_is_created_for_a_class_that_has_ended() -> None:
    assert reconcile(agenda(intent(1)), CONNECTED, ENDED) == Done(reason=Reason.ENDED)
    assert reconcile(agenda(intent(1)), GONE, ENDED) == Done(reason=Reason.ENDED)


def test_a_class_that_has_ended_is_still_updated_and_deleted() -> None:
    stands = applied()
    assert isinstance(reconcile(agenda(intent(2, entry(title="Yin")), applied=stands), CONNECTED, ENDED), Update)
    assert isinstance(reconcile(agenda(intent(2, None), applied=stands), CONNECTED, ENDED), Delete)


# no connection, dead grants


@pytest.mark.parametrize(
    "owed", [agenda(intent(1)), agenda(intent(2, MOVED), applied=applied()), agenda(intent(2, None), applied=applied())]
)
def test_without_a_connection_what_is_owed_is_remembered(owed: Agenda) -> None:
    assert reconcile(owed, GONE, NOW) == Rest(reason=Reason.NOT_CONNECTED)
    assert reconcile(owed, None, NOW) == Rest(reason=Reason.NOT_CONNECTED)


@pytest.mark.parametrize(
    "owed",
    [
        agenda(intent(1)),
        agenda(intent(2, MOVED), applied=applied()),
        agenda(intent(2, None), applied=applied()),
        agenda(intent(1), creating=creating()),
    ],
)
def test_with_a_dead_grant_it_waits_for_the_provider_owed_deletes_too(owed: Agenda) -> None:
    assert reconcile(owed, DEAD, NOW) == Rest(reason=Reason.NEEDS_RECONNECT)


def test_without_a_connection_nothing_is_owed_where_all_is_as_it_shall_be() -> None:
    assert reconcile(agenda(intent(1), applied=applied()), GONE, NOW) == Done()
    assert reconcile(agenda(intent(1, None)), GONE, NOW) == Done()


def test_a_create_that_was_begun_waits_for_a_connection_too() -> None:
    assert reconcile(agenda(intent(1), creating=creating()), GONE, NOW) == Rest(reason=Reason.NOT_CONNECTED)


def test_a_new_grant_to_the_same_account_goes_on_with_the_same_event() -> None:
    again = held(2)
    assert reconcile(agenda(intent(1), applied=applied()), connected(again), NOW) == Done()
    action = reconcile(agenda(intent(2, MOVED), applied=applied()), connected(again), NOW)
    assert isinstance(action, Update)
    assert action.grant == again


def test_the_same_address_at_another_service_is_another_calendar() -> None:
    other = held(2, service=Service.MICROSOFT)
    assert isinstance(reconcile(agenda(intent(1), applied=applied()), connected(other), NOW), Create)


def test_an_address_is_the_same_however_it_is_written() -> None:
    assert held(email="Ada@Example.org").calendar == HELD.calendar


# creates are written ahead


def test_the_mark_of_a_create_holds_what_a_repeat_needs() -> None:
    marked = begin_create(agenda(intent(1), waiting="not_connected", dismissed=Dismissed(when_and_where="x")), CREATE, NOW)
    assert marked.creating == creating(started_at=NOW)
    assert (marked.applied, marked.dismissed, marked.waiting) == (None, None, None)


def test_a_worker_that_finds_a_mark_looks_first() -> None:
    mark = creating()
    for desired in (intent(1), intent(2, MOVED), intent(2, None)):
        assert reconcile(agenda(desired, creating=mark), CONNECTED, NOW) == Adopt(grant=HELD, creating=mark)


def test_what_was_made_is_applied() -> None:
    mark = creating()
    after = after_create(agenda(intent(1), creating=mark, waiting="retrying"), mark, remote())
    assert after.applied == applied(remote_id="remote-x")
    assert (after.creating, after.generation, after.waiting) == (None, 1, None)
    assert reconcile(after, CONNECTED, NOW) == Done()


def test_what_was_made_from_an_older_entry_is_overwritten_with_the_newest() -> None:
    mark = creating()
    after = after_create(agenda(intent(2, MOVED), creating=mark), mark, remote())
    assert isinstance(reconcile(after, CONNECTED, NOW), Update)


def test_an_event_found_from_before_the_agenda_was_lost_is_owed_an_update() -> None:
    mark = creating(revision=5)
    after = after_create(agenda(intent(5), creating=mark), mark, remote(revision=3, generation=4))
    assert after.generation == 5
    assert isinstance(reconcile(after, CONNECTED, NOW), Update)


def test_a_create_is_tried_again_while_the_class_shall_stand_there() -> None:
    mark = creating()
    assert still_wanted(agenda(intent(2, MOVED)), mark, CONNECTED, NOW)
    assert not still_wanted(agenda(intent(2, None)), mark, CONNECTED, NOW)
    assert not still_wanted(agenda(), mark, CONNECTED, NOW)
    assert not still_wanted(agenda(intent(1)), mark, CONNECTED, ENDED)
    assert not still_wanted(agenda(intent(1)), mark, GONE, NOW)
    assert not still_wanted(agenda(intent(1)), mark, None, NOW)
    assert not still_wanted(agenda(intent(1)), mark, connected(OTHER), NOW)


def test_a_create_that_is_given_up_uses_up_its_generation() -> None:
    mark = creating()
    after = after_look(agenda(intent(2, None), creating=mark), mark)
    assert (after.creating, after.generation) == (None, 1)
    assert reconcile(after, CONNECTED, NOW) == Done()


def test_a_derived_id_that_was_used_up_is_followed_by_the_next_generation() -> None:
    mark = creating(generation=2)
    after = next_generation(agenda(intent(1), creating=mark, generation=2), mark)
    assert after.generation == 3
    assert after.creating == creating(generation=3, answered=True)


def test_an_event_that_was_not_found_may_appear_until_its_latest_call_is_old_enough() -> None:
    """Creates that are under way at the same time may both make an event, whatever their ids: so nobody creates again before that."""
    mark = creating()
    assert may_appear_for(mark, SETTLE, NOW) == SETTLE
    assert may_appear_for(mark, SETTLE, NOW + SETTLE / 3) == SETTLE * 2 / 3
    assert may_appear_for(mark, SETTLE, SETTLED) == may_appear_for(mark, SETTLE, LATER) == timedelta()
    again = begin_again(agenda(intent(1), creating=mark), mark, SETTLED).creating
    assert again is not None
    assert may_appear_for(again, SETTLE, SETTLED) == SETTLE


def test_a_create_that_was_answered_with_no_is_not_waited_for() -> None:
    no = after_no_to_create(agenda(intent(1), creating=creating()), creating()).creating
    assert no is not None
    assert may_appear_for(no, SETTLE, NOW) == timedelta()
    again = begin_again(agenda(intent(1), creating=no), no, NOW).creating
    assert again is not None
    assert may_appear_for(again, SETTLE, NOW) == SETTLE


# what is done by hand


def test_an_event_removed_by_hand_stays_away_while_date_time_and_place_stay() -> None:
    before = agenda(intent(2, entry(title="Yin")), applied=applied(), waiting="retrying")
    update = reconcile(before, CONNECTED, NOW)
    assert isinstance(update, Update)
    after = after_gone(before, update)
    assert (after.applied, after.waiting) == (None, None)
    assert reconcile(after, CONNECTED, NOW) == Done(reason=Reason.DISMISSED)
    assert reconcile(agenda(intent(3, entry(title="Yang")), dismissed=after.dismissed), CONNECTED, NOW) == Done(reason=Reason.DISMISSED)


@pytest.mark.parametrize("moved", [MOVED, entry(location="Room 2"), entry(time_zone="Asia/Kolkata")])
def test_a_dismissed_event_comes_back_when_date_time_or_place_change(moved: CalendarEntry) -> None:
    rested = agenda(intent(3, moved), dismissed=Dismissed(when_and_where=when_and_where(entry())), generation=1)
    action = reconcile(rested, CONNECTED, NOW)
    assert isinstance(action, Create)
    assert action.generation == 1


def test_an_event_found_removed_by_a_move_is_made_again_at_once() -> None:
    before = agenda(intent(2, MOVED), applied=applied(), generation=1)
    update = reconcile(before, CONNECTED, NOW)
    assert isinstance(update, Update)
    assert reconcile(after_gone(before, update), CONNECTED, NOW) == Create(grant=HELD, entry=MOVED, revision=2, generation=1)


def test_an_update_is_applied() -> None:
    before = agenda(intent(2, MOVED), applied=applied(), waiting="retrying")
    update = reconcile(before, CONNECTED, NOW)
    assert isinstance(update, Update)
    after = after_update(before, update)
    assert after.applied == applied(MOVED, revision=2)
    assert after.waiting is None
    assert reconcile(after, CONNECTED, NOW) == Done()


def test_a_delete_leaves_nothing_applied() -> None:
    before = agenda(intent(2, None), applied=applied(), waiting="retrying")
    delete = reconcile(before, CONNECTED, NOW)
    assert isinstance(delete, Delete)
    after = after_delete(before, delete)
    assert (after.applied, after.waiting) == (None, None)
    assert reconcile(after, CONNECTED, NOW) == Done()


# calls that fail and do their work all the same


def test_a_change_back_after_an_update_that_may_have_been_done_is_sent() -> None:
    before = agenda(intent(1), intent(2, MOVED), applied=applied())
    action = next_update(merge(begin_update(before, next_update(before), SETTLED), intent(3)))
    assert action.entry == entry()


def test_an_event_that_we_may_have_deleted_is_made_again_when_it_is_wanted_again() -> None:
    before = agenda(intent(1), intent(2, None), applied=applied())
    delete = reconcile(before, CONNECTED, NOW)
    assert isinstance(delete, Delete)
    again = merge(begin_delete(before, delete, SETTLED), intent(3))
    update = reconcile(again, CONNECTED, NOW)
    assert isinstance(update, Update)
    after = after_gone(begin_update(again, update, SETTLED), update)
    assert after.dismissed is None
    assert isinstance(reconcile(after, CONNECTED, NOW), Create)


def test_an_event_that_turns_out_not_to_be_deleted_is_its_owners_again() -> None:
    before = agenda(intent(1), intent(2, None), applied=applied())
    delete = reconcile(before, CONNECTED, NOW)
    assert isinstance(delete, Delete)
    again = merge(begin_delete(before, delete, SETTLED), intent(3))
    stands = after_update(again, next_update(again, SETTLED))
    changed = merge(stands, intent(4, entry(title="Yin")))
    removed_by_hand = next_update(changed, SETTLED)
    assert after_gone(changed, removed_by_hand).dismissed is not None


def test_a_delete_that_may_have_been_done_is_sent_again() -> None:
    before = agenda(intent(1), intent(2, None), applied=applied())
    delete = reconcile(before, CONNECTED, NOW)
    assert isinstance(delete, Delete)
    assert isinstance(reconcile(begin_delete(before, delete, SETTLED), CONNECTED, NOW), Delete)


# calls that were never answered and land late


def next_update(before: Agenda, now: datetime = NOW) -> Update:
    action = reconcile(before, CONNECTED, now)
    assert isinstance(action, Update)
    return action


def updated(before: Agenda, now: datetime = NOW) -> Agenda:
    """After the next update was answered."""
    return after_update(before, next_update(before, now))


def in_doubt(before: Agenda, until: datetime = SETTLED) -> Agenda:
    """After the next update was begun and not answered."""
    return begin_update(before, next_update(before), until)


def test_what_an_older_call_may_still_overtake_is_written_once_more_when_it_cannot_any_more() -> None:
    doubted = in_doubt(agenda(intent(1), intent(2, MOVED), applied=applied()))
    newest = updated(merge(doubted, intent(3)))
    assert reconcile(newest, CONNECTED, NOW) == Settle(until=SETTLED)
    again = next_update(newest, SETTLED)
    assert (again.entry, again.revision) == (entry(), 3)
    assert reconcile(after_update(begin_update(newest, again, LATER), again), CONNECTED, SETTLED) == Done()


def test_a_call_that_is_repeated_and_answered_leaves_nothing_to_write_again() -> None:
    """What lands late says the same."""
    again = updated(in_doubt(agenda(intent(1), intent(2, MOVED), applied=applied())))
    assert reconcile(again, CONNECTED, NOW) == Done()
    assert reconcile(updated(merge(again, intent(3))), CONNECTED, NOW) == Settle(until=SETTLED)
    assert reconcile(updated(merge(again, intent(3)), SETTLED), CONNECTED, SETTLED) == Done()


def test_of_several_calls_in_doubt_the_latest_is_waited_for() -> None:
    first = in_doubt(agenda(intent(1), intent(2, MOVED), applied=applied()), until=LATER)
    second = in_doubt(merge(first, intent(3, entry(title="Yin"))), until=SETTLED)
    assert reconcile(updated(merge(second, intent(4))), CONNECTED, NOW) == Settle(until=LATER)
    for shown in (MOVED, entry(title="Yin")):
        assert reconcile(updated(merge(second, intent(4, shown))), CONNECTED, NOW) == Settle(until=LATER)


def test_a_call_that_was_answered_with_no_is_not_in_doubt() -> None:
    before = agenda(intent(1), intent(2, MOVED), applied=applied())
    no = after_no(in_doubt(before), next_update(before))
    assert reconcile(updated(merge(no, intent(3))), CONNECTED, NOW) == Done()
    doubted = merge(in_doubt(before), intent(3, entry(title="Yin")))
    no = after_no(begin_update(doubted, next_update(doubted), LATER), next_update(doubted))
    assert reconcile(updated(merge(no, intent(4))), CONNECTED, NOW) == Settle(until=SETTLED)


def test_a_removal_that_lands_after_the_class_is_booked_again_is_made_good() -> None:
    before = agenda(intent(1), intent(2, None), applied=applied(), generation=1)
    delete = reconcile(before, CONNECTED, NOW)
    assert isinstance(delete, Delete)
    booked_again = updated(merge(begin_delete(before, delete, SETTLED), intent(3)))
    assert reconcile(booked_again, CONNECTED, NOW) == Settle(until=SETTLED)
    again = next_update(booked_again, SETTLED)
    gone = after_gone(begin_update(booked_again, again, LATER), again)
    assert gone.dismissed is None, "it was our own removal"
    assert reconcile(gone, CONNECTED, SETTLED) == Create(grant=HELD, entry=entry(), revision=3, generation=1)


def test_a_removal_that_was_answered_with_no_may_have_been_done_all_the_same() -> None:
    before = agenda(intent(1), intent(2, None), applied=applied())
    delete = reconcile(before, CONNECTED, NOW)
    assert isinstance(delete, Delete)
    booked_again = merge(after_no(begin_delete(before, delete, SETTLED), delete), intent(3))
    assert after_gone(booked_again, next_update(booked_again)).dismissed is None
    assert reconcile(updated(booked_again), CONNECTED, NOW) == Done()


def test_an_old_call_about_an_event_that_was_removed_concerns_nobody() -> None:
    """A removed event is not brought back by a change, and the next generation has another id."""
    doubted = in_doubt(agenda(intent(1), intent(2, MOVED), applied=applied(), generation=1))
    cancelled = merge(doubted, intent(3, None))
    delete = reconcile(cancelled, CONNECTED, NOW)
    assert isinstance(delete, Delete)
    removed = after_delete(begin_delete(cancelled, delete, LATER), delete)
    assert reconcile(removed, CONNECTED, NOW) == Done()
    assert isinstance(reconcile(merge(removed, intent(4)), CONNECTED, NOW), Create)


def test_a_doubt_waits_for_a_connection_like_everything_else() -> None:
    newest = updated(merge(in_doubt(agenda(intent(1), intent(2, MOVED), applied=applied())), intent(3)))
    assert reconcile(newest, DEAD, SETTLED) == Rest(reason=Reason.NEEDS_RECONNECT)
    assert reconcile(newest, GONE, SETTLED) == Done()
    assert isinstance(reconcile(newest, connected(held(2)), SETTLED), Update)


def test_an_event_that_is_moved_to_an_earlier_day_may_show_the_later_one_until_that_was_answered() -> None:
    earlier = entry(starts_at=datetime(2027, 3, 2, 9, 30), ends_at=datetime(2027, 3, 2, 10, 30))
    before = agenda(intent(1), intent(2, earlier), applied=applied())
    doubted, answered = in_doubt(before), updated(before)
    assert doubted.applied is not None
    assert answered.applied is not None
    assert (doubted.applied.ends_on, answered.applied.ends_on) == (applied().ends_on, earlier.ends_at.date())
    later = updated(merge(in_doubt(agenda(intent(1, earlier), intent(2, MOVED), applied=applied(earlier))), intent(3, earlier)))
    assert later.applied is not None
    assert later.applied.ends_on == MOVED.ends_at.date(), "the older call may still come"
