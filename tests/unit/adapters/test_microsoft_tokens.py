"""The token endpoint of the Microsoft identity platform, over scripted answers."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

import pytest

from adapters.errors import Misconfigured, ReconnectNeeded, ServiceFailing
from adapters.http import HttpAnswer
from adapters.microsoft.client_credential import SecretCredential
from adapters.microsoft.tokens import MicrosoftTokens
from tests.unit.adapters.microsoft_http import ScriptedClient, answer

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
GRANTED = {"token_type": "Bearer", "scope": "Calendars.ReadWrite openid", "expires_in": 3599, "access_token": "at", "refresh_token": "rt-2"}


def endpoint(*answers: HttpAnswer) -> tuple[MicrosoftTokens, ScriptedClient]:
    client = ScriptedClient(*answers)
    authority = "https://login.microsoftonline.com/common/"
    return MicrosoftTokens(client, authority=authority, client_id="app", credential=SecretCredential("s&cret")), client


async def test_a_refresh_gives_the_access_token_and_the_rotated_refresh_token() -> None:
    tokens, client = endpoint(answer(200, GRANTED))
    granted = await tokens.refresh("rt-1", NOW)
    assert (granted.access_token, granted.refresh_token) == ("at", "rt-2")
    assert granted.expires_at == NOW + timedelta(seconds=3599)
    (sent,) = client.sent
    assert (sent.method, sent.url) == ("POST", "https://login.microsoftonline.com/common/oauth2/v2.0/token")
    assert sent.headers["content-type"] == "application/x-www-form-urlencoded"
    assert dict(parse_qsl((sent.body or b"").decode(), strict_parsing=True)) == {
        "client_id": "app",
        "client_secret": "s&cret",
        "grant_type": "refresh_token",
        "refresh_token": "rt-1",
        "scope": "Calendars.ReadWrite offline_access",
    }


@pytest.mark.parametrize("body", [{**GRANTED, "refresh_token": "rt-1"}, {key: GRANTED[key] for key in GRANTED if key != "refresh_token"}])
async def test_a_refresh_token_that_stays_need_not_be_saved(body: dict[str, object]) -> None:
    tokens, _ = endpoint(answer(200, body))
    assert (await tokens.refresh("rt-1", NOW)).refresh_token is None


@pytest.mark.parametrize(
    "body", [b"", b"<html>", {}, {**GRANTED, "access_token": ""}, {**GRANTED, "access_token": "a\r\nb"}, {**GRANTED, "expires_in": 0}]
)
async def test_a_success_without_a_usable_token_is_a_failing_service(body: object) -> None:
    tokens, _ = endpoint(answer(200, body))
    with pytest.raises(ServiceFailing, match="bad_answer") as raised:
        await tokens.refresh("rt-1", NOW)
    assert raised.value.__context__ is None


async def test_a_dead_grant_and_a_bad_secret_are_told_apart() -> None:
    dead = answer(400, {"error": "invalid_grant", "error_description": "AADSTS50173: ...", "error_codes": [50173]})
    secret = answer(401, {"error": "invalid_client", "error_description": "AADSTS7000222: ...", "error_codes": [7000222]})
    tokens, _ = endpoint(dead, secret)
    with pytest.raises(ReconnectNeeded, match="AADSTS50173"):
        await tokens.refresh("rt-1", NOW)
    with pytest.raises(Misconfigured, match="AADSTS7000222"):
        await tokens.refresh("rt-1", NOW)


async def test_a_grant_that_lacks_the_calendar_needs_the_provider() -> None:
    written = ["", "calendars.readwrite", "https://graph.microsoft.com/Calendars.ReadWrite openid", "Calendars.Read openid"]
    tokens, _ = endpoint(*(answer(200, {**GRANTED, "scope": scope}) for scope in written))
    for _ in range(3):
        assert (await tokens.refresh("rt-1", NOW)).access_token == "at"
    with pytest.raises(ReconnectNeeded, match="calendar_scope_missing"):
        await tokens.refresh("rt-1", NOW)


async def test_there_is_nothing_to_call_for_a_revocation() -> None:
    tokens, client = endpoint()
    assert await tokens.revoke("rt-1") is False
    assert client.sent == []


async def test_no_secret_is_in_the_repr() -> None:
    tokens, _ = endpoint(answer(200, GRANTED))
    granted = await tokens.refresh("rt-1", NOW)
    assert "s&cret" not in repr(tokens)
    assert "rt-2" not in repr(granted)
