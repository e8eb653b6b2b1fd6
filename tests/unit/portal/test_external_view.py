"""Which of the five states EXTERNAL shows, from the read model and from what the person just did."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from adapters.portal.profile.external import Shown, external_view, is_settled
from adapters.portal.web.sessions import Awaited
from adapters.read_model.views import CalendarSummary, ConnectionView
from schemas.connections import ConnectionState, Service

NOW = datetime(2026, 11, 22, 19, 30, tzinfo=UTC)
NONE = CalendarSummary()
VIEW = ConnectionView(
    provider_id="p1",
    grant_id="g1",
    service=Service.GOOGLE,
    email="ana@impact.example",
    state=ConnectionState.CONNECTED,
    connected_at=NOW - timedelta(days=1),
    changed_at=NOW - timedelta(days=1),
)


def state(value: ConnectionState, grant_id: str = "g1") -> ConnectionView:
    return msgspec.structs.replace(VIEW, state=value, grant_id=grant_id)


def awaited(what: str, grant_id: str = "g1", ago: timedelta = timedelta(seconds=2)) -> Awaited:
    return Awaited(what=what, grant_id=grant_id, service="google", email="ana@impact.example", since=NOW - ago)


@pytest.mark.parametrize(
    ("connection", "shown"),
    [
        (None, Shown.NOT_CONNECTED),
        (state(ConnectionState.CONNECTED), Shown.CONNECTED),
        (state(ConnectionState.NEEDS_RECONNECT), Shown.NEEDS_RECONNECT),
        (state(ConnectionState.DISCONNECTING), Shown.DISCONNECTING),
        (state(ConnectionState.DISCONNECTED), Shown.NOT_CONNECTED),
    ],
)
def test_the_read_model_tells_the_state(connection: ConnectionView | None, shown: Shown) -> None:
    assert external_view(connection, NONE, None, NOW).shown is shown


@pytest.mark.parametrize(
    ("what", "connection", "settled"),
    [
        ("connecting", None, False),
        ("connecting", state(ConnectionState.CONNECTED, "older"), False),
        ("connecting", state(ConnectionState.CONNECTED), True),
        ("connecting", state(ConnectionState.NEEDS_RECONNECT), True),
        ("removing", state(ConnectionState.CONNECTED), False),
        ("removing", state(ConnectionState.DISCONNECTING), False),
        ("removing", state(ConnectionState.DISCONNECTED), True),
        ("disconnecting", state(ConnectionState.CONNECTED), False),
        ("disconnecting", state(ConnectionState.DISCONNECTED), True),
    ],
)
def test_a_wait_is_over_when_the_read_model_has_caught_up(what: str, connection: ConnectionView | None, settled: bool) -> None:
    assert is_settled(awaited(what), connection, NOW) is settled


def test_a_newer_grant_made_elsewhere_ends_a_wait() -> None:
    newer = msgspec.structs.replace(state(ConnectionState.CONNECTED, "g9"), connected_at=NOW - timedelta(seconds=1))
    assert is_settled(awaited("connecting"), newer, NOW)


def test_a_wait_is_given_up_after_hours() -> None:
    assert is_settled(awaited("connecting", ago=timedelta(hours=7)), None, NOW)


def test_a_wait_that_takes_long_says_so() -> None:
    assert not external_view(None, NONE, awaited("connecting"), NOW).slow
    assert external_view(None, NONE, awaited("connecting", ago=timedelta(minutes=1)), NOW).slow


def test_the_version_changes_with_what_is_shown_and_only_then() -> None:
    view = external_view(VIEW, NONE, None, NOW)
    assert view.version == external_view(VIEW, NONE, None, NOW + timedelta(hours=1)).version
    assert view.version != external_view(VIEW, CalendarSummary(standing=1), None, NOW).version
    assert view.version != external_view(state(ConnectionState.NEEDS_RECONNECT), NONE, None, NOW).version
    assert view.version != external_view(VIEW, NONE, None, NOW, approval="given").version
