"""Classes laid out by day, in month, week and day."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.portal.classes.entries import Part, by_day, entry_of, minutes_on, worst_mark
from adapters.portal.classes.filters import View
from adapters.portal.classes.grids import CELL_LINES, MOST_LANES, Block, day_hours, month_weeks, week_grid
from adapters.portal.classes.periods import period_of
from adapters.read_model.views import ClassCard, Mark
from tests.unit.portal_classes.cards import card, mark

BERLIN = "Europe/Berlin"
MONDAY = date(2027, 3, 8)
WEEK = period_of(View.WEEK, MONDAY)
MONTH = period_of(View.MONTH, MONDAY)

moments = st.datetimes(datetime(2027, 3, 6), datetime(2027, 3, 15))
lengths = st.timedeltas(timedelta(0), timedelta(days=2)).map(lambda length: length - length % timedelta(minutes=1))
classes = st.lists(st.tuples(moments, lengths), max_size=30).map(
    lambda found: sorted(
        (card(start.isoformat(), (start + length).isoformat(), class_id=f"c{index}") for index, (start, length) in enumerate(found)),
        key=lambda one: one.starts_at,
    )
)


def test_a_class_over_midnight_stands_on_both_days_with_its_part_of_each() -> None:
    late = card("2027-03-08T22:30:00", "2027-03-09T00:45:00")
    days = by_day([late], WEEK.days)
    assert [day for day, cards in days.items() if cards] == [MONDAY, date(2027, 3, 9)]
    first, second = entry_of(late, MONDAY, BERLIN), entry_of(late, date(2027, 3, 9), BERLIN)
    assert (first.part, first.clock, first.starts, first.ends) == (Part.FIRST, "22:30", 1350, 1440)
    assert (second.part, second.clock, second.starts, second.ends) == (Part.LAST, "Until 00:45", 0, 45)
    assert first.key != second.key


def test_a_class_until_midnight_is_not_on_the_next_day() -> None:
    days = by_day([card("2027-03-08T22:00:00", "2027-03-09T00:00:00")], WEEK.days)
    assert [day for day, cards in days.items() if cards] == [MONDAY]


def test_a_class_of_three_days_fills_the_one_between() -> None:
    camp = card("2027-03-08T10:00:00", "2027-03-10T16:00:00")
    between = entry_of(camp, date(2027, 3, 9), BERLIN)
    assert (between.part, between.clock, between.starts, between.ends) == (Part.MIDDLE, "All day", 0, 1440)


def test_a_class_that_takes_no_time_at_midnight_is_on_its_day() -> None:
    days = by_day([card("2027-03-08T00:00:00", "2027-03-08T00:00:00")], WEEK.days)
    assert [day for day, cards in days.items() if cards] == [MONDAY]


def test_what_began_before_the_period_is_in_it_from_its_first_day() -> None:
    days = by_day([card("2027-03-05T10:00:00", "2027-03-07T12:00:00")], WEEK.days)
    assert [day for day, cards in days.items() if cards] == [date(2027, 3, 7)]


@pytest.mark.parametrize("hour", ["02:30", "01:30"])
def test_wall_times_of_the_night_when_clocks_change_are_shown_as_they_were_given(hour: str) -> None:
    for day in ("2027-03-28", "2027-10-31"):
        one = card(f"{day}T{hour}:00", f"{day}T03:30:00")
        entry = entry_of(one, date.fromisoformat(day), BERLIN)
        assert (entry.clock, entry.zone_note) == (hour, None)
        assert entry.ends == 210


@given(classes)
def test_every_class_is_on_each_day_that_it_touches_and_on_no_other(cards: Sequence[ClassCard]) -> None:
    for day, found in by_day(cards, WEEK.days).items():
        midnight = datetime.combine(day, datetime.min.time())
        after = midnight + timedelta(days=1)
        touching = [one for one in cards if one.starts_at < after and (one.ends_at > midnight or one.starts_at >= midnight)]
        assert found == touching


@given(classes)
def test_a_cell_never_has_more_lines_than_fit_and_counts_the_rest(cards: Sequence[ClassCard]) -> None:
    days = by_day(cards, MONTH.days)
    for week in month_weeks(MONTH, days, MONDAY, BERLIN):
        for cell in week:
            assert cell.count == len(days[cell.day])
            assert len(cell.shown) + (1 if cell.more else 0) <= CELL_LINES
            assert cell.more != 1, "the line of '+1 more' has room for that one"


def test_six_classes_of_a_day_are_three_and_plus_three_more() -> None:
    cards = [card(f"2027-03-08T{hour:02d}:00:00", f"2027-03-08T{hour:02d}:45:00", class_id=f"c{hour}") for hour in range(9, 15)]
    cells = {cell.day: cell for week in month_weeks(MONTH, by_day(cards, MONTH.days), MONDAY, BERLIN) for cell in week}
    assert [entry.clock for entry in cells[MONDAY].shown] == ["09:00", "10:00", "11:00"]
    assert cells[MONDAY].more == 3
    assert cells[MONDAY].is_today
    assert not cells[date(2027, 2, 28)].in_period


@given(classes)
def test_blocks_of_a_week_never_lie_on_each_other(cards: Sequence[ClassCard]) -> None:
    days = by_day(cards, WEEK.days)
    grid = week_grid(WEEK, days, MONDAY, BERLIN)
    assert grid.first_hour <= 8
    assert grid.last_hour >= 18
    for column in grid.columns:
        assert column.count == len(days[column.day])
        for block in column.blocks:
            assert grid.first_hour * 60 <= block.top < block.bottom <= grid.last_hour * 60
            assert block.top % 5 == block.bottom % 5 == 0
            assert 0 <= block.lane < block.lanes <= MOST_LANES
        assert not [pair for pair in _pairs(column.blocks) if _share_space(*pair)]


def _pairs(blocks: Sequence[Block]) -> list[tuple[Block, Block]]:
    return [(one, other) for index, one in enumerate(blocks) for other in blocks[index + 1 :]]


def _share_space(one: Block, other: Block) -> bool:
    apart_in_time = one.bottom <= other.top or other.bottom <= one.top
    left, right = one.lane / one.lanes, (one.lane + 1) / one.lanes
    apart_in_place = right <= other.lane / other.lanes or (other.lane + 1) / other.lanes <= left
    return not (apart_in_time or apart_in_place)


def test_a_day_is_told_by_the_hours_in_which_classes_begin() -> None:
    cards = [
        card("2027-03-07T23:00:00", "2027-03-08T01:00:00", class_id="a"),
        card("2027-03-08T09:05:00", "2027-03-08T10:00:00", class_id="b"),
        card("2027-03-08T09:50:00", "2027-03-08T11:00:00", class_id="c"),
    ]
    groups = day_hours(MONDAY, cards, BERLIN)
    assert [(group.label, len(group.entries)) for group in groups] == [("From the day before", 1), ("09:00", 2)]


@given(classes)
def test_minutes_of_a_day_are_within_it(cards: Sequence[ClassCard]) -> None:
    for day, found in by_day(cards, WEEK.days).items():
        assert all(0 <= minutes_on(one, day)[0] <= minutes_on(one, day)[1] <= 1440 for one in found)


def test_a_class_of_several_providers_shows_what_wants_attention_first() -> None:
    kinds = [Mark.SYNCED, Mark.NONE, Mark.NOT_CONNECTED, Mark.WAITING, Mark.FAILED]
    assert [worst_mark([mark(kind) for kind in kinds[:count]]) for count in range(6)] == [
        Mark.NONE,
        Mark.SYNCED,
        Mark.SYNCED,
        Mark.NOT_CONNECTED,
        Mark.WAITING,
        Mark.FAILED,
    ]
    two = card("2027-03-08T09:00:00", "2027-03-08T10:00:00", marks=(mark(), mark(Mark.FAILED, "ben", words="It failed.")))
    assert entry_of(two, MONDAY, BERLIN).mark_words == "ada: It stands on the calendar. ben: It failed."
