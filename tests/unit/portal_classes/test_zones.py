"""Zones of the classes view: noted where clocks differ, and the days on which they are changed."""

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.portal.classes.zones import clock_change, most_common_zone, offset_text, valid_zone, zone_note
from schemas.events import known_zones
from tests.unit.portal_classes.cards import card


@pytest.mark.parametrize(
    ("zone", "viewer", "note"),
    [
        ("Europe/Berlin", "Europe/Berlin", None),
        ("Europe/Berlin", "Europe/Paris", None),
        ("Asia/Kolkata", "Europe/Berlin", "Kolkata time, UTC+05:30"),
        ("America/New_York", "Europe/Berlin", "New York time, UTC-05:00"),
        ("Europe/London", "UTC", None),
        ("Etc/UTC", "Europe/Berlin", "UTC time, UTC"),
    ],
)
def test_a_zone_is_noted_where_its_clock_says_something_else(zone: str, viewer: str, note: str | None) -> None:
    assert zone_note(card("2027-01-08T09:00:00", "2027-01-08T10:00:00", time_zone=zone), viewer) == note


def test_two_zones_may_differ_in_summer_only() -> None:
    summer = card("2027-07-08T09:00:00", "2027-07-08T10:00:00", time_zone="Europe/London")
    assert zone_note(summer, "UTC") == "London time, UTC+01:00"


@pytest.mark.parametrize(
    ("day", "zone", "words"),
    [
        (date(2027, 3, 28), "Europe/Berlin", "Clocks go forward 1 h at 02:00"),
        (date(2027, 10, 31), "Europe/Berlin", "Clocks go back 1 h at 03:00"),
        (date(2027, 3, 27), "Europe/Berlin", None),
        (date(2027, 3, 14), "America/New_York", "Clocks go forward 1 h at 02:00"),
        (date(2027, 10, 3), "Australia/Lord_Howe", "Clocks go forward 30 min at 02:00"),
        (date(2017, 10, 15), "America/Sao_Paulo", "Clocks go forward 1 h at 00:00"),
        (date(2027, 3, 28), "UTC", None),
    ],
)
def test_a_day_on_which_clocks_change_says_how(day: date, zone: str, words: str | None) -> None:
    assert clock_change(day, zone) == words


@given(st.dates(date(1900, 1, 1), date(9998, 12, 31)), st.sampled_from(sorted(known_zones())))
def test_every_day_of_every_zone_can_be_asked(day: date, zone: str) -> None:
    words = clock_change(day, zone)
    assert words is None or words.startswith("Clocks go ")


def test_a_cookie_is_a_zone_or_nothing() -> None:
    assert valid_zone("Europe/Berlin") == "Europe/Berlin"
    for nonsense in (None, "", "Mars/Olympus", "../../etc/passwd", "europe/berlin\r\n"):
        assert valid_zone(nonsense) is None


def test_before_the_browser_says_its_zone_the_one_of_most_classes_is_taken() -> None:
    day = datetime.combine(date(2027, 1, 8), time(9)).isoformat()
    cards = [card(day, day, time_zone=zone) for zone in ("Asia/Kolkata", "Europe/Berlin", "Europe/Berlin")]
    assert most_common_zone(cards) == "Europe/Berlin"
    assert most_common_zone([]) == "UTC"


def test_offsets_are_written_in_hours_and_minutes() -> None:
    assert [offset_text(timedelta(minutes=minutes)) for minutes in (0, 330, -210, 840)] == ["UTC", "UTC+05:30", "UTC-03:30", "UTC+14:00"]
