"""GoogleTokens before answers that a well-behaved service does not give."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import pytest

from adapters.errors import CalendarError, Misconfigured, Permanent, ServiceFailing
from adapters.google.tokens import GoogleTokens
from tests.unit.adapters.google_sender import Sender

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


def tokens(*answers: tuple[int, object]) -> tuple[GoogleTokens, Sender]:
    sender = Sender(*answers)
    google = GoogleTokens(
        sender, token_url="https://t.example/token", revoke_url="https://t.example/revoke", client_id="id", client_secret="s&cret"
    )
    return google, sender


async def test_a_refresh_sends_the_form_that_rfc_6749_asks_for() -> None:
    google, sender = tokens((200, {"access_token": "a", "expires_in": 3599, "token_type": "Bearer"}))
    granted = await google.refresh("1//r+", NOW)
    [(method, url, headers, body)] = sender.sent
    assert (method, url, headers["content-type"]) == ("POST", "https://t.example/token", "application/x-www-form-urlencoded")
    assert parse_qs((body or b"").decode()) == {
        "grant_type": ["refresh_token"],
        "refresh_token": ["1//r+"],
        "client_id": ["id"],
        "client_secret": ["s&cret"],
    }
    assert (granted.access_token, granted.refresh_token) == ("a", None)
    assert granted.expires_at == NOW + timedelta(seconds=3599)


@pytest.mark.parametrize(("given", "expected"), [("new", "new"), ("old", None), (None, None)])
async def test_only_a_new_refresh_token_has_to_be_saved(given: str | None, expected: str | None) -> None:
    google, _ = tokens((200, {"access_token": "a", "expires_in": 1, "refresh_token": given}))
    assert (await google.refresh("old", NOW)).refresh_token == expected


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"<html>",
        {"access_token": "a\r\nx: y", "expires_in": 1},
        {"access_token": "", "expires_in": 1},
        {"access_token": "secret-a"},
    ],
)
async def test_a_token_answer_that_makes_no_sense_is_a_failing_service_and_is_not_quoted(content: object) -> None:
    google, _ = tokens((200, content))
    with pytest.raises(ServiceFailing) as caught:
        await google.refresh("r", NOW)
    assert caught.value.__context__ is None
    assert "secret" not in repr(caught.value)


@pytest.mark.parametrize(
    ("status", "content", "expected"),
    [(503, b"", ServiceFailing), (400, {"error": "invalid_request"}, Permanent), (404, b"<html>", Misconfigured)],
)
async def test_a_revocation_that_did_not_happen_is_told(status: int, content: object, expected: type[CalendarError]) -> None:
    google, _ = tokens((status, content))
    with pytest.raises(expected):
        await google.revoke("r")
