"""A provider's connection over its life: granted, used up, replaced, revoked; heard twice, late or out of order."""

from datetime import timedelta

import msgspec
import pytest

from schemas.connections import ConnectionEvent, ConnectionState, Service
from streams.domain.connection import (
    Connection,
    Held,
    closing,
    decode_connection_row,
    encode_connection_row,
    grant_died,
    is_newer_connection,
    retired,
    status_of,
    token_rotated,
)
from streams.domain.connection_events import Change, Heard, heard, on_connection_event
from tests.support.execution import ADA, NOW, grant_at, granted, held, revoked

HOME = "ada@home.example"
NEVER = Connection(provider_id=ADA)


def after(*events: ConnectionEvent) -> Connection:
    row = NEVER
    for event in events:
        row = on_connection_event(row, event)[0]
    return row


def current(row: Connection) -> Held:
    assert row.current is not None
    return row.current


# granted


def test_a_grant_comes_into_force_and_everything_is_swept() -> None:
    row, change = on_connection_event(NEVER, granted(1))
    assert change is Change.SWEEP
    assert row == Connection(provider_id=ADA, current=held(1), last_grant_id="grant-1", last_changed_at=grant_at(1))


def test_a_new_grant_to_the_same_account_takes_the_place_of_the_old_one_which_is_not_revoked() -> None:
    row, change = on_connection_event(after(granted(1)), granted(2, email="Ada@Example.ORG"))
    assert change is Change.SWEEP
    assert (current(row).grant_id, row.retiring) == ("grant-2", ())


@pytest.mark.parametrize("other", [{"email": HOME}, {"service": Service.MICROSOFT}])
def test_a_grant_to_another_calendar_keeps_the_old_one_until_its_events_are_off(other: dict[str, object]) -> None:
    row = after(granted(1), granted(2, **other))  # type: ignore[arg-type]
    assert (current(row).grant_id, row.retiring) == ("grant-2", (held(1),))
    assert closing(row) == ()


def test_a_dead_grant_is_not_kept_when_another_calendar_is_connected() -> None:
    row = on_connection_event(grant_died(after(granted(1)), "grant-1", "invalid_grant"), granted(2, email=HOME))[0]
    assert row.retiring == ()


def test_coming_back_to_an_account_that_is_being_left_keeps_it() -> None:
    row = after(granted(1), granted(2, email=HOME), granted(3))
    assert current(row).grant_id == "grant-3"
    assert [grant.grant_id for grant in row.retiring] == ["grant-2"]


def test_an_account_is_the_same_calendar_under_another_address() -> None:
    """It was renamed, or is known by an alias too. Revoking the old grant would end the new one."""
    row = after(granted(1, account_id="sub-1"), granted(2, email="ada@married.example", account_id="sub-1"))
    assert (current(row).calendar, row.retiring) == (held(1).calendar, ())
    back = after(granted(1, account_id="sub-1"), revoked(1), granted(2, email="ada@married.example", account_id="sub-1"))
    assert current(back).calendar == held(1).calendar


def test_another_account_under_the_same_address_is_another_calendar() -> None:
    """A private and a school account at Microsoft, say, or one that was deleted and made anew."""
    row = after(granted(1, account_id="sub-1"), granted(2, account_id="sub-2"))
    assert current(row).calendar != held(1).calendar
    assert [grant.grant_id for grant in row.retiring] == ["grant-1"]
    again = on_connection_event(row, granted(3, account_id="sub-1"))[0]
    assert current(again).calendar == held(1).calendar
    assert [grant.grant_id for grant in again.retiring] == ["grant-2"]
    assert on_connection_event(again, granted(4, account_id="sub-2"))[0].accounts == row.accounts
    assert decode_connection_row(encode_connection_row(row)) == row


def test_an_account_that_comes_to_be_known_keeps_the_calendar_of_its_address() -> None:
    row = after(granted(1), granted(2, account_id="sub-1"))
    assert (current(row).calendar, row.retiring) == (held(1).calendar, ())
    assert current(after(granted(1, account_id="sub-1"), granted(2))).calendar == held(1).calendar


# revoked


def test_a_disconnect_without_removal_forgets_the_tokens_at_once() -> None:
    row, change = on_connection_event(after(granted(1)), revoked(1))
    assert change is Change.NONE
    assert row.current is None
    assert closing(row) == (held(1, removing=False),)
    assert retired(row, "grant-1").retiring == ()


def test_a_disconnect_with_removal_keeps_the_grant_until_the_events_are_off() -> None:
    row, change = on_connection_event(after(granted(1)), revoked(1, remove_events=True))
    assert change is Change.SWEEP
    assert row.retiring == (held(1),)
    assert closing(row) == ()


def test_nothing_can_be_removed_with_a_dead_grant() -> None:
    row, change = on_connection_event(grant_died(after(granted(1)), "grant-1", "invalid_grant"), revoked(1, remove_events=True))
    assert change is Change.NONE
    assert [grant.grant_id for grant in closing(row)] == ["grant-1"]


# repeats, and what comes late


@pytest.mark.parametrize(
    "story",
    [
        (granted(1),),
        (granted(1), granted(2, email=HOME)),
        (granted(1), revoked(1, remove_events=True)),
        (granted(1), granted(2), revoked(2, remove_events=True)),
    ],
)
def test_the_newest_event_again_changes_nothing_and_asks_for_the_same_again(story: tuple[ConnectionEvent, ...]) -> None:
    """A worker killed after the row was confirmed, before the sweep was, gets the event once more."""
    row = after(*story)
    assert on_connection_event(row, story[-1]) == (row, Change.SWEEP)


def test_a_revocation_without_removal_again_changes_nothing() -> None:
    row = after(granted(1), revoked(1))
    assert on_connection_event(row, revoked(1)) == (row, Change.NONE)


@pytest.mark.parametrize("late", [granted(1), revoked(1), revoked(1, remove_events=True)])
@pytest.mark.parametrize("row", [after(granted(1), granted(2)), after(granted(1), granted(2), revoked(2))])
def test_what_is_older_than_what_was_heard_last_changes_nothing(row: Connection, late: ConnectionEvent) -> None:
    assert on_connection_event(row, late) == (row, Change.NONE)


def test_the_end_of_the_grant_in_force_counts_whatever_the_clocks_say() -> None:
    """It names that very grant. A clock that is ahead where the grant was made keeps nobody from disconnecting."""
    row = on_connection_event(after(granted(2)), revoked(2, at=grant_at(1)))[0]
    assert row.current is None
    assert [grant.grant_id for grant in closing(row)] == ["grant-2"]
    assert row.last_changed_at == grant_at(2), "what is older than the grant stays older"


def test_a_grant_does_not_come_back_to_life() -> None:
    row = after(granted(1), revoked(1))
    assert on_connection_event(row, granted(1)) == (row, Change.NONE)
    dead = grant_died(after(granted(1)), "grant-1", "invalid_grant")
    assert on_connection_event(dead, granted(1))[0] == dead


def test_a_revocation_of_a_grant_never_heard_of_changes_nothing() -> None:
    assert on_connection_event(NEVER, revoked(1)) == (NEVER, Change.NONE)


def test_what_is_ignored_says_why() -> None:
    connected, ended = after(granted(1), granted(2)), after(granted(1), granted(2), revoked(2))
    assert [heard(connected, event) for event in (granted(3), granted(2), granted(1))] == [Heard.NEWS, Heard.REPEAT, Heard.OLDER]
    assert [heard(ended, event) for event in (granted(3), granted(2), granted(1))] == [Heard.NEWS, Heard.ENDED, Heard.OLDER]
    assert [heard(connected, event) for event in (revoked(2), revoked(2, at=grant_at(1)), revoked(1))] == [
        Heard.NEWS,
        Heard.NEWS,
        Heard.UNKNOWN,
    ]
    assert [heard(ended, event) for event in (revoked(2), revoked(1))] == [Heard.REPEAT, Heard.UNKNOWN]
    leaving = after(granted(1), revoked(1, remove_events=True))
    assert heard(leaving, revoked(1, remove_events=True)) is Heard.REPEAT


def test_only_news_change_anything() -> None:
    events = [granted(1), granted(2), granted(3, email=HOME), revoked(2), revoked(3, remove_events=True), revoked(1)]
    for row in (NEVER, after(granted(2)), after(granted(2), revoked(2)), after(granted(1), granted(3, email=HOME))):
        for event in events:
            assert (on_connection_event(row, event)[0] != row) == (heard(row, event) is Heard.NEWS)


def test_an_event_of_an_unknown_type_is_not_passed_over() -> None:
    with pytest.raises(AssertionError):
        on_connection_event(NEVER, held(1))  # type: ignore[arg-type]
    with pytest.raises(AssertionError):
        heard(NEVER, held(1))  # type: ignore[arg-type]


# at the service


def test_a_grant_dies_once() -> None:
    alive = after(granted(1))
    dead = grant_died(alive, "grant-1", "invalid_grant")
    assert (current(dead).usable, current(dead).reason) == (False, "invalid_grant")
    assert grant_died(dead, "grant-1", "other") is dead
    assert grant_died(alive, "grant-9", "invalid_grant") is alive


def test_a_retiring_grant_that_dies_is_forgotten() -> None:
    row = grant_died(after(granted(1), granted(2, email=HOME)), "grant-1", "invalid_grant")
    assert row.retiring == ()
    assert current(row).usable


def test_a_rotated_token_is_kept_with_its_grant() -> None:
    row = token_rotated(after(granted(1), granted(2, email=HOME)), "grant-1", "sealed-new")
    assert row.retiring[0].sealed_refresh_token == "sealed-new"
    assert current(row).sealed_refresh_token == "sealed-2"
    row = token_rotated(row, "grant-2", "sealed-newer")
    assert current(row).sealed_refresh_token == "sealed-newer"


def test_a_token_rotated_after_the_end_is_dropped() -> None:
    row = retired(after(granted(1), revoked(1)), "grant-1")
    assert token_rotated(row, "grant-1", "sealed-new") == row


# what is kept and shown


def test_a_row_comes_back_as_it_was() -> None:
    for row in (NEVER, after(granted(1), granted(2, email=HOME)), after(granted(1), revoked(1))):
        assert decode_connection_row(encode_connection_row(row)) == row


@pytest.mark.parametrize("row", [b"", b"{}", b"null", b'{"provider_id": "ada", "current": 7}'])
def test_a_row_of_another_format_stops_the_worker(row: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_connection_row(row)


def test_no_print_shows_a_token_or_an_address() -> None:
    row = after(granted(1, sealed_refresh_token="SECRET"), granted(2, email=HOME, sealed_refresh_token="SECRET"))
    for printed in (repr(row), str(row), f"{row.retiring}"):
        assert "SECRET" not in printed
        assert HOME not in printed


def test_the_portal_is_shown_the_state_and_no_token() -> None:
    alive, at = after(granted(1)), NOW + timedelta(days=1)
    status = status_of(alive, current(alive), at)
    assert (status.state, status.grant_id, status.email, status.changed_at) == (ConnectionState.CONNECTED, "grant-1", held(1).email, at)
    assert b"sealed" not in msgspec.json.encode(status)


def test_the_portal_is_shown_why_a_connection_needs_the_provider() -> None:
    dead = grant_died(after(granted(1)), "grant-1", "invalid_grant")
    status = status_of(dead, current(dead), NOW)
    assert (status.state, status.reason) == (ConnectionState.NEEDS_RECONNECT, "invalid_grant")


def test_the_portal_is_shown_how_a_connection_ends() -> None:
    leaving = after(granted(1), revoked(1, remove_events=True))
    assert status_of(leaving, held(1), NOW).state is ConnectionState.DISCONNECTING
    assert status_of(retired(leaving, "grant-1"), held(1), NOW).state is ConnectionState.DISCONNECTED
    assert status_of(after(granted(1), revoked(1)), held(1), NOW).state is ConnectionState.DISCONNECTED


def test_of_two_rows_the_one_that_heard_of_a_later_grant_is_newer() -> None:
    nothing = encode_connection_row(Connection(provider_id=ADA))
    first, second = (encode_connection_row(on_connection_event(Connection(provider_id=ADA), granted(number))[0]) for number in (1, 2))
    assert is_newer_connection(second, first)
    assert is_newer_connection(first, nothing)
    assert not is_newer_connection(first, second)
    assert not is_newer_connection(first, first)
    assert not is_newer_connection(nothing, first)
