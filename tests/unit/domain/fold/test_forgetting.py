from datetime import date, datetime, timedelta

import pytest
from msgspec.structs import replace

from schemas.events import ClassRescheduled
from streams.domain.evolve import evolve
from streams.domain.forgetting import forget_on, is_forgotten
from tests.support.class_events import added, cancelled, rescheduled, scheduled
from tests.unit.domain.fold.fold_story import fold


def rescheduled_to(version: int, year: int) -> ClassRescheduled:
    """To 8 March of a year."""
    return replace(rescheduled(version), starts_at=datetime(year, 3, 8, 18), ends_at=datetime(year, 3, 8, 19))


#: Ends on 8 March 2027.
SCHEDULED = fold(scheduled())


def test_a_class_is_forgotten_the_days_after_its_last_day_and_one_for_zones() -> None:
    assert forget_on(SCHEDULED, 30) == date(2027, 3, 8) + timedelta(days=31)


@pytest.mark.parametrize(("today", "forgotten"), [(date(2027, 4, 7), False), (date(2027, 4, 8), True), (date(2028, 1, 1), True)])
def test_a_class_is_forgotten_from_that_day_on(today: date, forgotten: bool) -> None:
    assert is_forgotten(SCHEDULED, today, 30) is forgotten


def test_a_class_that_lasts_over_midnight_counts_by_its_end() -> None:
    overnight = fold(scheduled(starts_at=datetime(2027, 3, 8, 22), ends_at=datetime(2027, 3, 9, 6)))
    assert forget_on(overnight, 1) == date(2027, 3, 11)


def test_moving_a_class_moves_the_day_and_cancelling_does_not() -> None:
    assert forget_on(evolve(SCHEDULED, rescheduled(2, day=20)), 1) == date(2027, 3, 22)
    assert forget_on(evolve(SCHEDULED, cancelled(2), date(2027, 9, 9)), 1) == forget_on(SCHEDULED, 1)


def test_a_class_moved_into_the_past_is_kept_as_if_it_had_ended_on_the_day_of_the_move() -> None:
    """A year mistyped and mended a minute later: the roster has to be there still."""
    mistyped = evolve(SCHEDULED, rescheduled_to(2, 2007), date(2027, 3, 1))
    assert forget_on(mistyped, 30) == date(2027, 3, 1) + timedelta(days=31)
    again = evolve(mistyped, rescheduled_to(3, 2008), date(2027, 3, 2))
    assert forget_on(again, 30) == forget_on(mistyped, 30)
    assert forget_on(evolve(again, rescheduled_to(4, 2028), date(2027, 3, 2)), 30) == date(2028, 3, 8) + timedelta(days=31)


def test_a_class_of_the_past_that_moves_is_not_kept_for_it() -> None:
    assert forget_on(evolve(SCHEDULED, rescheduled_to(2, 2026), date(2028, 1, 1)), 30) == forget_on(SCHEDULED, 30)
    assert forget_on(evolve(SCHEDULED, rescheduled_to(2, 2026)), 30) == date(2026, 3, 8) + timedelta(days=31)


def test_a_placeholder_far_in_the_future_keeps_nothing_for_ever() -> None:
    placeholder = fold(scheduled(starts_at=datetime(9998, 12, 31, 9), ends_at=datetime(9998, 12, 31, 10)))
    assert forget_on(evolve(placeholder, rescheduled_to(2, 2027), date(2027, 3, 1)), 30) == date(2027, 3, 8) + timedelta(days=31)


def test_a_class_never_scheduled_counts_from_its_last_event() -> None:
    state = evolve(evolve(None, added(1), date(2027, 1, 1)), cancelled(2), date(2027, 1, 5))
    assert forget_on(state, 30) == date(2027, 1, 5) + timedelta(days=31)
    assert not is_forgotten(state, date(2027, 2, 4), 30)
    assert is_forgotten(state, date(2027, 2, 5), 30)


def test_a_class_of_which_no_day_is_known_stays() -> None:
    state = fold(added(1))
    assert forget_on(state, 30) is None
    assert not is_forgotten(state, date(2999, 1, 1), 30)


def test_a_class_at_the_end_of_the_calendar_does_not_break_the_timer() -> None:
    placeholder = fold(scheduled(starts_at=datetime(9998, 12, 31, 9), ends_at=datetime(9998, 12, 31, 10)))
    assert forget_on(placeholder, 36_500) == date.max
    assert not is_forgotten(placeholder, date(2027, 1, 1), 36_500)
