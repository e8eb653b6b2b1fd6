"""What is done when a provider moves from one calendar to another, comes back, or leaves."""

from datetime import datetime, timedelta

from adapters.ports import RemoteEvent
from schemas.connections import Service
from schemas.outcomes import Reason
from streams.domain.agenda import Agenda, Applied, Creating, at_calendar, merge
from streams.domain.connection import Connection
from streams.domain.owed import may_be_owed, owes_removal, still_wanted
from streams.domain.reconcile import Adopt, Create, Delete, Done, Rest, Seek, Update, reconcile
from streams.domain.transitions import after_create, after_delete, after_recognition, after_search, begin_create
from tests.support.execution import ADA, CLASS_ID, NOW, agenda, applied, connected, creating, entry, held, intent

HELD = held()
OTHER = held(2, email="ada@home.example")
ENDED = datetime(2027, 4, 1, tzinfo=NOW.tzinfo)
MOVED = entry(starts_at=datetime(2027, 3, 9, 18), ends_at=datetime(2027, 3, 9, 19))


def moved_to_other(before: Agenda, connection: Connection | None = None) -> Agenda:
    """After the class was made on another calendar; without `connection` its own is out of reach."""
    while isinstance(create := reconcile(before, connection or connected(OTHER), NOW), Seek):
        before = after_search(before, create)
    assert isinstance(create, Create)
    marked = begin_create(before, create, NOW)
    assert marked.creating is not None
    return after_create(marked, marked.creating, RemoteEvent(remote_id="remote-x", revision=create.revision, generation=create.generation))


def test_a_move_to_another_account_makes_the_event_there_and_then_removes_it_from_the_old_one() -> None:
    """What shall stand on the new calendar waits for nothing: the old one's service may be failing for hours."""
    moving = connected(OTHER, HELD)
    before = agenda(intent(1), applied=applied(), generation=1)
    searched = after_search(before, Seek(grant=OTHER, other=applied()))
    assert reconcile(searched, moving, NOW) == Create(grant=OTHER, entry=entry(), revision=1, generation=1)
    moved = moved_to_other(before, moving)
    delete = reconcile(moved, moving, NOW)
    assert delete == Delete(grant=HELD, applied=applied(sought=(OTHER.calendar,)))
    assert isinstance(delete, Delete)
    assert reconcile(after_delete(moved, delete), moving, NOW) == Done()


def test_a_change_reaches_the_new_calendar_while_the_old_one_is_still_to_be_cleared() -> None:
    moving = connected(OTHER, HELD)
    moved = moved_to_other(agenda(intent(1), applied=applied(), generation=1), moving)
    update = reconcile(merge(moved, intent(2, MOVED)), moving, NOW)
    assert isinstance(update, Update)
    assert update.grant == OTHER


def test_a_cancelled_class_goes_from_both_calendars() -> None:
    moving = connected(OTHER, HELD)
    cancelled = merge(moved_to_other(agenda(intent(1), applied=applied(), generation=1), moving), intent(2, None))
    grants = []
    while isinstance(delete := reconcile(cancelled, moving, NOW), Delete):
        grants.append(delete.grant)
        cancelled = after_delete(cancelled, delete)
    assert grants == [OTHER, HELD]


def test_an_old_calendar_is_cleared_though_the_new_one_needs_reconnecting() -> None:
    moving = connected(held(2, email="ada@home.example", usable=False), HELD)
    before = agenda(intent(1), applied=applied(), generation=1)
    delete = reconcile(before, moving, NOW)
    assert isinstance(delete, Delete)
    assert reconcile(after_delete(before, delete), moving, NOW) == Rest(reason=Reason.NEEDS_RECONNECT)


def test_what_has_ended_stays_where_it_is_when_its_calendar_is_left() -> None:
    moving = connected(OTHER, HELD)
    assert reconcile(agenda(intent(1), applied=applied()), moving, ENDED) == Done(reason=Reason.ENDED)
    assert reconcile(agenda(intent(1), intent(2, None), applied=applied()), moving, ENDED) == Done()
    assert reconcile(agenda(intent(1), applied=applied()), connected(None, HELD), ENDED) == Done()


def test_a_disconnect_with_removal_takes_upcoming_events_off_and_they_wait() -> None:
    leaving = connected(None, HELD)
    before = agenda(intent(1), applied=applied(), generation=1)
    delete = reconcile(before, leaving, NOW)
    assert isinstance(delete, Delete)
    assert reconcile(after_delete(before, delete), leaving, NOW) == Rest(reason=Reason.NOT_CONNECTED)


def test_a_disconnect_without_removal_leaves_everything_standing() -> None:
    leaving = connected(None, held(removing=False))
    assert reconcile(agenda(intent(1), applied=applied()), leaving, NOW) == Done()


def test_a_create_begun_on_a_calendar_that_is_being_left_is_looked_for_there() -> None:
    mark, sought = creating(), creating(sought=(OTHER.calendar,))
    moving = connected(OTHER, HELD)
    assert reconcile(moved_to_other(agenda(intent(1), creating=mark), moving), moving, NOW) == Adopt(grant=HELD, creating=sought)
    assert reconcile(agenda(intent(1), creating=mark), connected(None, HELD), NOW) == Adopt(grant=HELD, creating=mark)


def test_an_event_that_cannot_be_reached_any_more_does_not_keep_the_class_from_another_calendar() -> None:
    for lost in (agenda(intent(1), applied=applied(), generation=1), agenda(intent(1), creating=creating(), generation=1)):
        assert moved_to_other(lost).generation == 2


def found(applied_there: Applied | Creating, **changes: object) -> RemoteEvent:
    values: dict[str, object] = {"remote_id": "remote-0", "revision": 1, "generation": applied_there.generation}
    return RemoteEvent(**values | changes)  # type: ignore[arg-type]


def test_an_event_out_of_reach_is_looked_for_where_the_mailbox_may_be_the_same() -> None:
    """Reconnected under another address, with the old grant dead."""
    before = agenda(intent(1), applied=applied(), generation=1)
    seek = reconcile(before, connected(OTHER), NOW)
    assert seek == Seek(grant=OTHER, other=applied())
    assert isinstance(seek, Seek)
    same = after_recognition(before, seek, found(applied()))
    assert (same.left, same.applied is not None and same.applied.calendar) == ((), OTHER.calendar)
    assert isinstance(reconcile(same, connected(OTHER), NOW), Update)
    assert isinstance(reconcile(merge(same, intent(2, None)), connected(OTHER), NOW), Delete)


def test_a_class_cancelled_meanwhile_goes_from_the_mailbox_under_its_other_address() -> None:
    before = agenda(intent(1), intent(2, None), applied=applied(), generation=1)
    seek = reconcile(before, connected(OTHER), NOW)
    assert isinstance(seek, Seek)
    assert isinstance(reconcile(after_recognition(before, seek, found(applied())), connected(OTHER), NOW), Delete)
    assert reconcile(after_search(before, seek), connected(OTHER), NOW) == Done()
    assert reconcile(before, connected(held(2, email="ada@home.example", usable=False)), NOW) == Done()


def test_a_copy_in_a_mailbox_that_was_moved_is_taken_over_and_the_original_still_goes() -> None:
    before = agenda(intent(1), applied=applied(), generation=1)
    seek = Seek(grant=OTHER, other=applied())
    copied = after_recognition(before, seek, found(applied(), remote_id="copy"))
    assert copied.left == (applied(),)
    assert isinstance(reconcile(copied, connected(OTHER, HELD), NOW), Update)


def test_a_create_begun_elsewhere_is_looked_for_too_and_its_generation_is_not_used_again() -> None:
    begun = agenda(intent(1), creating=creating())
    seek = reconcile(begun, connected(OTHER), NOW)
    assert seek == Seek(grant=OTHER, other=creating())
    assert isinstance(seek, Seek)
    same = after_recognition(begun, seek, found(creating()))
    assert (same.begun, same.generation, isinstance(reconcile(same, connected(OTHER), NOW), Update)) == ((), 1, True)
    create = reconcile(after_search(begun, seek), connected(OTHER), NOW)
    assert create == Create(grant=OTHER, entry=entry(), revision=1, generation=1)


def test_nothing_is_looked_for_at_another_service() -> None:
    elsewhere = held(2, service=Service.MICROSOFT)
    assert isinstance(reconcile(agenda(intent(1), applied=applied(), generation=1), connected(elsewhere), NOW), Create)


def test_coming_back_to_a_calendar_finds_the_event_that_was_left_there() -> None:
    left = moved_to_other(agenda(intent(1), applied=applied(), generation=1))
    back = connected(held(3), OTHER)
    delete = reconcile(left, back, NOW)
    assert isinstance(delete, Delete)
    assert delete.applied.calendar == OTHER.calendar
    home = after_delete(left, delete)
    assert reconcile(home, back, NOW) == Done()
    assert isinstance(reconcile(merge(home, intent(2, None)), back, NOW), Delete)
    assert isinstance(reconcile(merge(home, intent(2, MOVED)), back, NOW), Update)


def test_coming_back_to_a_calendar_looks_for_what_was_begun_there() -> None:
    mark = creating()
    left = moved_to_other(agenda(intent(1), creating=mark))
    again = held(3)
    seek = reconcile(left, connected(again), NOW)
    assert isinstance(seek, Seek)
    assert seek.other.calendar == OTHER.calendar
    sought = creating(sought=(OTHER.calendar,))
    assert reconcile(after_search(left, seek), connected(again), NOW) == Adopt(grant=again, creating=sought)
    same = after_recognition(left, seek, found(seek.other, remote_id="remote-x"))
    assert reconcile(same, connected(again), NOW) == Adopt(grant=again, creating=sought)
    assert not still_wanted(same, sought, connected(again), NOW)
    assert reconcile(left, connected(held(3, usable=False)), NOW) == Rest(reason=Reason.NEEDS_RECONNECT)


def test_putting_aside_and_taking_up_lose_nothing() -> None:
    whole = agenda(intent(1), applied=applied(), creating=creating(on=OTHER))
    there = at_calendar(whole, OTHER.calendar)
    assert (there.applied, there.creating) == (None, creating(on=OTHER))
    assert there.left == (applied(),)
    here = at_calendar(there, HELD.calendar)
    assert (here.applied, here.left) == (applied(), ())
    assert (here.creating, here.begun) == (None, (creating(on=OTHER),))
    assert at_calendar(here, OTHER.calendar) == there


def test_a_grant_is_kept_while_something_of_ours_may_be_on_its_calendar() -> None:
    calendar = HELD.calendar
    assert owes_removal(agenda(intent(1), applied=applied()), calendar, NOW)
    assert owes_removal(agenda(intent(1), creating=creating()), calendar, NOW)
    assert owes_removal(moved_to_other(agenda(intent(1), applied=applied())), calendar, NOW)
    assert owes_removal(moved_to_other(agenda(intent(1), creating=creating())), calendar, NOW)
    assert not owes_removal(agenda(intent(1)), calendar, NOW)
    assert not owes_removal(agenda(intent(1), applied=applied()), calendar, ENDED)
    assert not owes_removal(agenda(intent(1), applied=applied(on=OTHER.calendar)), calendar, NOW)


def test_an_agenda_without_a_day_owes_the_removal_of_what_stands() -> None:
    assert owes_removal(Agenda(provider_id=ADA, class_id=CLASS_ID, applied=applied()), HELD.calendar, ENDED)
    on_its_last_day = agenda(intent(1), intent(2, None), applied=applied())
    assert owes_removal(on_its_last_day, HELD.calendar, datetime(2027, 3, 8, 23, tzinfo=NOW.tzinfo))
    assert not owes_removal(on_its_last_day, HELD.calendar, datetime(2027, 3, 8, 23, tzinfo=NOW.tzinfo) + timedelta(hours=1))


def test_an_event_that_still_shows_a_later_day_than_the_class_had_is_removed_and_put_right() -> None:
    """The class was moved to an earlier day while the calendar could not be reached, and is over."""
    moved_up = entry(starts_at=datetime(2027, 3, 2, 9, 30), ends_at=datetime(2027, 3, 2, 10, 30))
    late = agenda(intent(1), intent(2, moved_up), applied=applied())
    over = datetime(2027, 3, 4, tzinfo=NOW.tzinfo)
    assert isinstance(reconcile(late, connected(OTHER, HELD), over), Delete)
    assert owes_removal(late, HELD.calendar, over)
    assert may_be_owed(late, over)
    assert isinstance(reconcile(late, connected(held(2)), over), Update)
    assert not owes_removal(late, HELD.calendar, ENDED)


def test_what_a_change_of_the_connection_may_concern() -> None:
    assert may_be_owed(agenda(intent(1)), NOW)
    assert may_be_owed(agenda(intent(1), creating=creating()), ENDED)
    assert may_be_owed(agenda(intent(1), intent(2, None), applied=applied()), ENDED)
    assert not may_be_owed(agenda(intent(1), intent(2, None)), NOW)
    assert not may_be_owed(agenda(intent(1)), ENDED)
    assert not may_be_owed(agenda(intent(1), applied=applied()), ENDED)
