"""What `connections import` takes from a file; a token never comes out in clear."""

import io
import json
from typing import Any

import pytest

from adapters.vault.seal import ConnectionAad, KeyRing
from schemas.codec import decode_connection
from schemas.connections import ConnectionGranted, Service
from streams.cli.grant_lines import GrantLine, read_grants, replaced, sealed_record

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
    ((_, grant),), bad = read_grants(_file(_GOOD | changes))
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
    grants, bad = read_grants(_file(_GOOD, _GOOD | change))
    assert len(grants) == 1
    assert [line.number for line in bad] == [2]
    assert field in bad[0].reason
    assert _TOKEN not in bad[0].reason


@pytest.mark.parametrize("field", sorted(_GOOD))
def test_a_missing_field_is_named(field: str) -> None:
    _, bad = read_grants(_file({name: value for name, value in _GOOD.items() if name != field}))
    assert field in bad[0].reason


def test_what_is_not_json_is_a_bad_line_without_its_content() -> None:
    _, bad = read_grants(io.BytesIO(f'{{"refresh_token": "{_TOKEN}"'.encode()))
    assert [line.number for line in bad] == [1]
    assert _TOKEN not in bad[0].reason


def test_a_later_line_of_the_same_provider_replaces_the_earlier_one() -> None:
    grants, _ = read_grants(_file(_GOOD, _GOOD | {"provider_id": "grace"}, _GOOD | {"service": "microsoft"}))
    assert replaced(grants) == [(1, 3)]


def test_a_grant_shows_no_token_in_its_repr() -> None:
    assert _TOKEN not in repr(_grant())
