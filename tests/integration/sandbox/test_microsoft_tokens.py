"""The identity platform's token endpoint: rotation, lifetime, errors."""

import pytest

from tests.integration.sandbox.client import GRAPH_EVENTS, Client

DAY = 86_400


async def test_each_refresh_rotates_and_the_old_token_goes_on_working(client: Client) -> None:
    first = await client.grant("microsoft", "ana@impact.example")
    second = (await client.refresh("microsoft", first)).body["refresh_token"]
    assert second != first
    assert (await client.refresh("microsoft", first)).status == 200
    assert (await client.refresh("microsoft", second)).status == 200


async def test_a_token_that_was_never_rotated_dies_at_day_90_and_a_rotated_one_lives_on(client: Client) -> None:
    first = await client.grant("microsoft", "ana@impact.example")
    await client.ask("POST", "/control/clock", {"advance_seconds": 60 * DAY})
    rotated = (await client.refresh("microsoft", first)).body["refresh_token"]
    await client.ask("POST", "/control/clock", {"advance_seconds": 30 * DAY})
    reply = await client.refresh("microsoft", first)
    assert (reply.status, reply.body["error"], reply.body["error_codes"]) == (400, "invalid_grant", [700082])
    assert (await client.refresh("microsoft", rotated)).status == 200


@pytest.mark.parametrize(
    ("form", "status", "error", "number"),
    [
        ({"refresh_token": "nonsense"}, 400, "invalid_grant", 70000),
        ({"client_secret": "wrong"}, 401, "invalid_client", 7000215),
        ({"client_id": "other"}, 400, "unauthorized_client", 700016),
        ({"grant_type": "password"}, 400, "unsupported_grant_type", 70003),
        ({"refresh_token": ""}, 400, "invalid_request", 900144),
        ({"scope": "https://graph.microsoft.com/Mail.Read"}, 400, "invalid_grant", 65001),
    ],
)
async def test_a_wrong_refresh_says_what_is_wrong(client: Client, form: dict[str, str], status: int, error: str, number: int) -> None:
    token = await client.grant("microsoft", "ana@impact.example")
    reply = await client.refresh("microsoft", **({"refresh_token": token} | form))
    assert (reply.status, reply.body["error"], reply.body["error_codes"]) == (status, error, [number])
    assert reply.body["error_description"].startswith(f"AADSTS{number}:")


@pytest.mark.parametrize("scope", ["Calendars.ReadWrite offline_access", "https://graph.microsoft.com/Calendars.ReadWrite"])
async def test_a_consented_scope_may_be_asked_for(client: Client, scope: str) -> None:
    token = await client.grant("microsoft", "ana@impact.example")
    body = (await client.refresh("microsoft", token, scope=scope)).body
    assert "https://graph.microsoft.com/Calendars.ReadWrite" in body["scope"].split()


async def test_without_offline_access_there_is_no_refresh_token_in_the_answer(client: Client) -> None:
    token = await client.grant("microsoft", "ana@impact.example", scopes=["Calendars.ReadWrite"])
    assert "refresh_token" not in (await client.refresh("microsoft", token)).body


async def test_a_revoked_user_has_no_refresh_and_no_access(client: Client) -> None:
    graph = await client.person("microsoft")
    reply = await client.ask("POST", "/control/grants/revoke", {"service": "microsoft", "email": "ANA@impact.example"})
    assert reply.body == {"revoked": 1}
    assert (await graph.ask("GET", GRAPH_EVENTS)).status == 401
    assert (await client.refresh("microsoft", graph.refresh_token)).body["error_codes"] == [50173]


async def test_the_discovery_document_names_this_tenants_token_endpoint(client: Client) -> None:
    reply = await client.ask("GET", "/organizations/v2.0/.well-known/openid-configuration")
    assert reply.body["token_endpoint"] == f"{client.sandbox.base_url}/organizations/oauth2/v2.0/token"
