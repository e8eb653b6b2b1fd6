"""What `connections import` takes from a file; a token never comes out in clear."""

import io
import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from adapters.vault.seal import ConnectionAad, KeyRing
from schemas.codec import decode_connection
from schemas.connections import ConnectionGranted, ConnectionRevoked, Service
from streams.cli.grant_lines import GrantLine, read_grants, replaced, sealed_record, sort_out
from streams.cli.lines import opened
from streams.domain.connection import Connection
from streams.domain.connection_events import on_connection_event

_NOW = datetime(2026, 11, 1, tzinfo=UTC)
_TOKEN = "1//refresh-token-in-clear"
_GOOD: dict[str, Any] = {
    "provider_id": "ada",
    "service": "google",
    "email": "ada@example.com",
    "refresh_token": _TOKEN,
    "scopes": ["https://www.googleapis.com/auth/calendar.events"],
    "connected_at": "2026-05-01T10:00:00+02:00",
}


def _file(*lines: dict[str, Any]) -> io.BytesIO:
    return io.BytesIO("\n".join(map(json.dumps, lines)).encode())


def _grant(**changes: Any) -> GrantLine:
    ((_, grant),), bad = read_grants(_file(_GOOD | changes), _NOW)
    assert bad == []
    return grant


def test_a_grant_is_published_sealed_for_its_own_connection() -> None:
    ring = KeyRing([("k1", bytes(32))])
    record = sealed_record(1, _grant(), ring)
    event = decode_connection(record.value)
    assert isinstance(event, ConnectionGranted)
    assert record.key == b"ada"
    assert (event.provider_id, event.service, event.email) == ("ada", Service.GOOGLE, "ada@example.com")
    assert event.connected_at.isoformat() == "2026-05-01T08:00:00+00:00"
    aad = ConnectionAad(provider_id="ada", service=Service.GOOGLE, grant_id=event.grant_id)
    assert ring.open(event.sealed_refresh_token, aad) == _TOKEN
    assert _TOKEN.encode() not in record.value


def test_the_same_line_is_the_same_grant_however_its_time_is_written() -> None:
    assert _grant().grant_id == _grant(connected_at="2026-05-01T08:00:00Z").grant_id


@pytest.mark.parametrize(
    "change",
    [
        {"provider_id": "grace"},
        {"service": "microsoft"},
        {"email": "ada@example.org"},
        {"refresh_token": "another"},
        {"connected_at": "2026-05-02T10:00:00+02:00"},
    ],
)
def test_another_provider_service_address_token_or_date_is_another_grant(change: dict[str, Any]) -> None:
    assert _grant(**change).grant_id != _grant().grant_id


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"provider_id": ""}, "provider_id"),
        ({"service": _TOKEN}, "service"),
        ({"email": _TOKEN}, "email"),
        ({"refresh_token": ""}, "refresh_token"),
        ({"refresh_token": 7}, "refresh_token"),
        ({"scopes": _TOKEN}, "scopes"),
        ({"connected_at": _TOKEN}, "connected_at"),
        ({"connected_at": "2026-05-01T10:00:00"}, "connected_at"),
    ],
)
def test_a_wrong_field_is_named_and_no_value_is_shown(change: dict[str, Any], field: str) -> None:
    grants, bad = read_grants(_file(_GOOD, _GOOD | change), _NOW)
    assert len(grants) == 1
    assert [line.number for line in bad] == [2]
    assert field in bad[0].reason
    assert _TOKEN not in bad[0].reason


@pytest.mark.parametrize("field", sorted(_GOOD))
def test_a_missing_field_is_named(field: str) -> None:
    _, bad = read_grants(_file({name: value for name, value in _GOOD.items() if name != field}), _NOW)
    assert field in bad[0].reason


def test_what_is_not_json_is_a_bad_line_without_its_content() -> None:
    _, bad = read_grants(io.BytesIO(f'{{"refresh_token": "{_TOKEN}"'.encode()), _NOW)
    assert [line.number for line in bad] == [1]
    assert _TOKEN not in bad[0].reason


def test_a_later_line_of_the_same_provider_replaces_the_earlier_one() -> None:
    grants, _ = read_grants(_file(_GOOD, _GOOD | {"provider_id": "grace"}, _GOOD | {"service": "microsoft"}), _NOW)
    assert replaced(grants) == [(1, 3)]


def test_a_grant_shows_no_token_in_its_repr() -> None:
    assert _TOKEN not in repr(_grant())


def _connected(grant: GrantLine) -> Connection:
    """After a worker heard of the grant."""
    event = decode_connection(sealed_record(1, grant, KeyRing([("k1", bytes(32))])).value)
    return on_connection_event(Connection(provider_id="ada"), event)[0]


def _disconnected(grant: GrantLine, at: datetime) -> Connection:
    event = ConnectionRevoked(provider_id="ada", grant_id=grant.grant_id, revoked_at=at)
    return on_connection_event(_connected(grant), event)[0]


def test_a_line_that_no_worker_would_heed_is_not_sent_and_says_what_to_do() -> None:
    """Else the import says that all is well, and the provider never comes into force."""
    old, new = _grant(), _grant(connected_at="2026-07-01T10:00:00Z", refresh_token="another")
    disconnected = _disconnected(old, datetime(2026, 6, 1, tzinfo=UTC))
    assert sort_out([(3, new)], {"ada": disconnected}) == ([(3, new)], [])
    for grant, known, remedy in (
        (_grant(refresh_token="another"), disconnected, "give that moment as connected_at"),
        (_grant(refresh_token="another"), _connected(new), "give that moment as connected_at"),
        (old, disconnected, "consent anew"),
    ):
        counting, (line,) = sort_out([(3, grant)], {"ada": known})
        assert (counting, line.number) == ([], 3)
        assert "ada" in line.reason
        assert remedy in line.reason
        assert "2026-0" in line.reason
        assert _TOKEN not in line.reason


def test_the_same_grant_again_is_sent_again() -> None:
    """Importing a file once more changes nothing, and mends what a worker may not have come to do."""
    assert sort_out([(1, _grant())], {"ada": _connected(_grant())}) == ([(1, _grant())], [])


def test_of_two_lines_for_a_provider_the_later_grant_counts_whatever_their_order() -> None:
    early, late = _grant(), _grant(connected_at="2026-07-01T10:00:00Z")
    assert sort_out([(1, early), (2, late)], {}) == ([(1, early), (2, late)], [])
    counting, (line,) = sort_out([(1, late), (2, early)], {})
    assert (counting, line.number) == ([(1, late)], 2)


def test_a_grant_from_the_future_is_a_bad_line() -> None:
    """Every grant until then would count as older, and be ignored."""
    near, far = "2026-11-01T00:04:00Z", "2062-05-01T10:00:00Z"
    grants, (bad,) = read_grants(_file(_GOOD | {"connected_at": near}, _GOOD | {"connected_at": far}), _NOW)
    assert [number for number, _ in grants] == [1]
    assert str(bad) == "line 2: connected_at is in the future"


def test_tokens_from_stdin_do_not_touch_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    large = b"x" * (20 * 1024 * 1024)
    for to_disk in (True, False):
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(large)))
        with opened("-", to_disk=to_disk) as lines:
            assert lines._rolled is to_disk  # type: ignore[attr-defined]
            assert lines.read() == large
