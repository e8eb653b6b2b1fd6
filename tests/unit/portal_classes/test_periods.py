"""Months, weeks and days of the classes view."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.portal.classes.filters import FIRST_DAY, LAST_DAY, View
from adapters.portal.classes.periods import period_of

days = st.dates(FIRST_DAY, LAST_DAY)


@given(days)
def test_a_month_is_whole_weeks_from_sunday_to_saturday_around_its_days(on: date) -> None:
    period = period_of(View.MONTH, on)
    assert all(len(week) == 7 and week[0].isoweekday() == 7 and week[6].isoweekday() == 6 for week in period.weeks)
    assert period.first <= on.replace(day=1) <= on <= period.last
    assert next(day for day in period.days if period.has(day)) == on.replace(day=1)
    assert 4 <= len(period.weeks) <= 6
    assert all(any(period.has(day) for day in week) for week in period.weeks)


@given(st.sampled_from(View), days)
def test_forward_and_back_lead_to_where_one_was(view: View, on: date) -> None:
    period = period_of(view, on)
    if period.forward is not None:
        after = period_of(view, period.forward)
        assert after.back is not None
        assert period_of(view, after.back).heading == period.heading
        assert after.heading != period.heading


@given(days)
def test_a_week_has_the_day_that_was_asked_for(on: date) -> None:
    assert on in period_of(View.WEEK, on).days
    assert len(period_of(View.WEEK, on).days) == 7


def test_the_contracts_years_have_an_end_in_both_directions() -> None:
    for view in View:
        assert period_of(view, FIRST_DAY).back is None
        assert period_of(view, LAST_DAY).forward is None


@pytest.mark.parametrize(
    ("view", "on", "heading"),
    [
        (View.MONTH, date(2021, 10, 11), "October 2021"),
        (View.WEEK, date(2021, 10, 11), "10 \u2013 16 October 2021"),
        (View.WEEK, date(2021, 10, 1), "26 Sep \u2013 2 Oct 2021"),
        (View.WEEK, date(2021, 12, 31), "26 Dec 2021 \u2013 1 Jan 2022"),
        (View.DAY, date(2021, 10, 11), "Monday, 11 October 2021"),
    ],
)
def test_a_period_is_called_as_a_person_would(view: View, on: date, heading: str) -> None:
    assert period_of(view, on).heading == heading


def test_back_from_the_last_of_a_long_month_is_the_month_before() -> None:
    assert period_of(View.MONTH, date(2021, 3, 31)).back == date(2021, 2, 1)
    assert period_of(View.DAY, date(2021, 3, 1)).back == date(2021, 3, 1) - timedelta(days=1)
