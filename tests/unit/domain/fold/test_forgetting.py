from datetime import date, datetime, timedelta

import pytest

from streams.domain.evolve import evolve
from streams.domain.forgetting import forget_on, is_forgotten
from tests.support.class_events import added, cancelled, rescheduled, scheduled
from tests.unit.domain.fold.fold_story import fold

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
