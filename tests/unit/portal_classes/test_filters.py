"""The filters of the classes view and the address that holds them."""

from datetime import date
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.portal.classes.filters import FIRST_DAY, LAST_DAY, ClassFilters, View, parse
from adapters.read_model.views import BookedStatus
from schemas.events import Presence

#: Anything that an id or a type may hold; an address cannot carry half of a surrogate pair, the database no U+0000.
values = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=40)
filters = st.builds(
    ClassFilters,
    view=st.sampled_from(View),
    on=st.none() | st.dates(FIRST_DAY, LAST_DAY),
    providers=st.frozensets(values, max_size=5),
    class_types=st.frozensets(values, max_size=5),
    presences=st.frozensets(st.sampled_from(Presence)),
    booked=st.frozensets(st.sampled_from(BookedStatus)),
)
anything = st.lists(
    st.tuples(st.sampled_from(["view", "on", "provider", "type", "presence", "booked", "else"]) | st.text(), st.text(max_size=300))
)


@given(filters)
def test_what_an_address_is_built_from_comes_back_from_it(wanted: ClassFilters) -> None:
    parsed = parse(parse_qsl(wanted.query(), keep_blank_values=True))
    assert parsed.filters == wanted
    assert parsed.notices == ()


@given(filters)
def test_equal_filters_have_equal_addresses(wanted: ClassFilters) -> None:
    assert parse(reversed(wanted.items())).filters.query() == wanted.query()


@given(anything)
def test_whatever_an_address_says_something_can_be_shown(items: list[tuple[str, str]]) -> None:
    parsed = parse(items)
    assert parse(parsed.filters.items()).filters == parsed.filters
    assert all(notice.endswith(".") for notice in parsed.notices)


@given(filters)
def test_each_restriction_can_be_taken_off_alone(wanted: ClassFilters) -> None:
    for name, value in wanted.values():
        without = wanted.without(name, value)
        assert (name, value) not in without.values()
        assert without.count == wanted.count - 1
    assert wanted.reset().count == 0
    assert (wanted.reset().view, wanted.reset().on) == (wanted.view, wanted.on)


def test_the_plain_address_is_the_month_of_today_with_everything() -> None:
    assert parse([]).filters == ClassFilters(view=View.MONTH, on=None)
    assert ClassFilters().query() == ""


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("on", "2021-02-30", "a day that does not exist"),
        ("on", "yesterday", "a day that does not exist"),
        ("on", "1066-10-14", "years 1900 to 9998"),
        ("view", "year", "a view that we do not have"),
        ("presence", "astral", "a presence that we do not know"),
        ("booked", "maybe", "a booked status that we do not know"),
        ("provider", "x" * 257, "more providers than we can look for"),
        ("type", "a\0b", "more class types than we can look for"),
    ],
)
def test_what_cannot_be_right_is_the_default_and_is_said(name: str, value: str, said: str) -> None:
    parsed = parse([(name, value)])
    assert parsed.filters == ClassFilters()
    assert len(parsed.notices) == 1
    assert said in parsed.notices[0]
    assert value not in parsed.notices[0]


def test_one_wrong_value_leaves_the_right_ones() -> None:
    parsed = parse([("presence", "astral"), ("presence", "online"), ("on", "2021-10-11")])
    assert parsed.filters == ClassFilters(presences=frozenset({Presence.ONLINE}), on=date(2021, 10, 11))
    assert len(parsed.notices) == 1


def test_a_form_with_empty_fields_is_no_mistake() -> None:
    assert parse([("view", ""), ("on", ""), ("provider", ""), ("booked", "")]) == parse([])


def test_an_endless_address_is_cut() -> None:
    parsed = parse([("provider", f"p-{index}") for index in range(5000)])
    assert len(parsed.filters.providers) == 100
    assert len(parsed.notices) == 1
