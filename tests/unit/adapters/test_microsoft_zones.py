"""Whatever zone and wall time a class has: Graph takes what is sent, and it denotes the instants of the contract."""

import calendar
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tzlocal.windows_tz import win_tz

from adapters.microsoft.zones import IRREGULAR_NAMES, YOUNG_NAMES, GraphTimes, graph_times, windows_name
from schemas.events import known_zones
from schemas.wall_time import instants

ZONES = sorted(known_zones())
HOUR = timedelta(hours=1)


def as_read_by_graph(times: GraphTimes) -> tuple[datetime, datetime]:
    """What a service makes of it that knows Windows names only, and takes the second of two equal wall times (we have to mean neither)."""
    zone = ZoneInfo(win_tz[times.zone])
    start, end = (datetime.fromisoformat(text).replace(tzinfo=zone, fold=1).astimezone(UTC) for text in (times.start, times.end))
    return start, end


@pytest.mark.parametrize("time_zone", ZONES)
def test_every_zone_keeps_its_instants_around_the_year(time_zone: str) -> None:
    for day in range(0, 730, 5):
        starts_at = datetime(2026, 1, 1, 1, 30) + timedelta(days=day, hours=day % 24)
        times = graph_times(starts_at, starts_at + HOUR, time_zone)
        assert times.zone == "UTC" or times.zone in win_tz.keys() - YOUNG_NAMES - IRREGULAR_NAMES
        assert as_read_by_graph(times) == instants(starts_at, starts_at + HOUR, time_zone)


@given(
    time_zone=st.sampled_from(ZONES),
    starts_at=st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2040, 1, 1)),
    minutes=st.integers(min_value=0, max_value=3000),
)
def test_any_wall_times_keep_their_instants(time_zone: str, starts_at: datetime, minutes: int) -> None:
    ends_at = starts_at + timedelta(minutes=minutes)
    assert as_read_by_graph(graph_times(starts_at, ends_at, time_zone)) == instants(starts_at, ends_at, time_zone)


@pytest.mark.parametrize(
    ("time_zone", "changes_on"),
    [
        ("Europe/Berlin", datetime(2026, 3, 29)),
        ("Europe/Berlin", datetime(2026, 10, 25)),
        ("America/New_York", datetime(2026, 3, 8)),
        ("America/New_York", datetime(2026, 11, 1)),
        ("Australia/Lord_Howe", datetime(2026, 4, 5)),
        ("Africa/Cairo", datetime(2026, 10, 29)),
        ("America/Santiago", datetime(2026, 9, 5)),
    ],
)
def test_every_quarter_of_an_hour_around_a_change_of_the_clocks_keeps_its_instant(time_zone: str, changes_on: datetime) -> None:
    zones = set()
    for quarter in range(-24, 144):
        starts_at = changes_on + timedelta(minutes=15 * quarter)
        times = graph_times(starts_at, starts_at + HOUR, time_zone)
        zones.add(times.zone)
        assert as_read_by_graph(times) == instants(starts_at, starts_at + HOUR, time_zone)
    assert zones == {"UTC", windows_name(time_zone)}


def test_a_zone_goes_out_under_its_windows_name_at_its_wall_time() -> None:
    nine = datetime(2026, 7, 1, 9, 30)
    assert graph_times(nine, nine + HOUR, "Asia/Kolkata") == GraphTimes(
        start="2026-07-01T09:30:00", end="2026-07-01T10:30:00", zone="India Standard Time"
    )


def test_a_wall_time_that_happens_twice_goes_out_as_the_first_in_utc() -> None:
    starts_at = datetime(2026, 10, 25, 2, 30)
    times = graph_times(starts_at, starts_at + 2 * HOUR, "Europe/Berlin")
    assert times == GraphTimes(start="2026-10-25T00:30:00", end="2026-10-25T03:30:00", zone="UTC")


def test_a_wall_time_that_is_skipped_goes_out_moved_by_the_gap_in_utc() -> None:
    starts_at = datetime(2026, 3, 29, 2, 30)
    times = graph_times(starts_at, starts_at + HOUR, "Europe/Berlin")
    assert (times.start, times.zone) == ("2026-03-29T01:30:00", "UTC")


@pytest.mark.parametrize(
    "time_zone",
    [
        "Africa/Casablanca",  # follows Ramadan
        "America/Vancouver",  # its Windows name is young
        "Antarctica/Troll",  # has no Windows name
        "America/Scoresbysund",  # has another offset than the zone under whose Windows name CLDR puts it
    ],
)
def test_a_zone_that_windows_does_not_tell_for_sure_goes_out_in_utc(time_zone: str) -> None:
    nine = datetime(2026, 7, 1, 9, 30)
    times = graph_times(nine, nine + HOUR, time_zone)
    assert times.zone == "UTC"
    assert as_read_by_graph(times) == instants(nine, nine + HOUR, time_zone)


def test_the_zones_that_change_their_clocks_by_no_weekday_rule_are_all_known() -> None:
    irregular = {name for name, zone in win_tz.items() if not follows_a_weekday_rule(zone)}
    assert irregular == IRREGULAR_NAMES


def follows_a_weekday_rule(zone: str) -> bool:
    """At most two changes a year, each on the same weekday of its month in every year to come."""
    years = [changes(ZoneInfo(zone), year) for year in range(2027, 2037)]
    if len({len(year) for year in years}) > 1 or len(years[0]) > 2:
        return False
    return all(set.intersection(*(rules_of(year[index]) for year in years)) for index in range(len(years[0])))


def changes(zone: ZoneInfo, year: int) -> list[datetime]:
    """The wall times at which the clocks are changed."""
    found = []
    at = datetime(year, 1, 1, tzinfo=UTC)
    while at.year == year:
        before, at = at, at + timedelta(days=1)
        offset = before.astimezone(zone).utcoffset()
        if offset == at.astimezone(zone).utcoffset():
            continue
        while before.astimezone(zone).utcoffset() == offset:
            before += timedelta(minutes=30)
        assert offset is not None
        found.append((before + offset).replace(tzinfo=None))
    return found


def rules_of(change: datetime) -> set[tuple[object, ...]]:
    """The ways in which a weekday rule can name this moment: the first to the fifth of its weekday, or the last of the month.

    Windows writes some changes at midnight as the last minute of the day before.
    """
    rules: set[tuple[object, ...]] = set()
    for at in (change, change - timedelta(minutes=1)):
        rules.add((at.month, at.weekday(), (at.day - 1) // 7, at.time()))
        if at.day + 7 > calendar.monthrange(at.year, at.month)[1]:
            rules.add((at.month, at.weekday(), "last", at.time()))
    return rules
