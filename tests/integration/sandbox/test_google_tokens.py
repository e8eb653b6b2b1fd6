"""Google's token and revocation endpoints."""

import pytest

from tests.integration.sandbox.client import GOOGLE_EVENTS, Client


async def test_a_refresh_gives_an_access_token_and_no_new_refresh_token(client: Client) -> None:
    token = await client.grant("google", "ana@impact.example")
    body = (await client.refresh("google", token)).body
    assert (body["token_type"], body["expires_in"], "refresh_token" in body) == ("Bearer", 3599, False)
    assert "https://www.googleapis.com/auth/calendar.events.owned" in body["scope"].split()


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"refresh_token": "nonsense"}, 400, "invalid_grant"),
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "other"}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"refresh_token": ""}, 400, "invalid_request"),
    ],
)
async def test_a_wrong_refresh_says_what_is_wrong(client: Client, form: dict[str, str], status: int, error: str) -> None:
    token = await client.grant("google", "ana@impact.example")
    reply = await client.refresh("google", **({"refresh_token": token} | form))
    assert (reply.status, reply.body["error"]) == (status, error)


@pytest.mark.parametrize("which", ["refresh", "access"])
async def test_revoking_either_token_kills_both(client: Client, which: str) -> None:
    google = await client.person("google")
    token = google.refresh_token if which == "refresh" else google.headers["Authorization"].removeprefix("Bearer ")
    assert (await client.ask("POST", "/google/revoke", data={"token": token})).status == 200
    assert (await google.ask("GET", GOOGLE_EVENTS)).status == 401
    assert (await client.refresh("google", google.refresh_token)).body["error"] == "invalid_grant"
    again = await client.ask("POST", "/google/revoke", data={"token": token})
    assert (again.status, again.body["error"]) == (400, "invalid_token")


async def test_revoking_one_grant_leaves_another_of_the_same_person(client: Client) -> None:
    first, second = await client.person("google"), await client.person("google")
    await client.ask("POST", "/google/revoke", data={"token": first.refresh_token})
    assert (await second.ask("GET", GOOGLE_EVENTS)).status == 200


async def test_the_101st_refresh_token_pushes_the_oldest_out(client: Client) -> None:
    tokens = [await client.grant("google", "ana@impact.example") for _ in range(101)]
    assert (await client.refresh("google", tokens[0])).body["error"] == "invalid_grant"
    assert (await client.refresh("google", tokens[1])).status == 200


async def test_the_sandboxs_env_points_at_it(client: Client) -> None:
    env, base = client.sandbox.env(), client.sandbox.base_url
    assert env["IMPACT_GOOGLE_API_URL"] == base
    assert env["IMPACT_GRAPH_URL"] == f"{base}/v1.0"
    form = {"client_id": env["IMPACT_GOOGLE_CLIENT_ID"], "client_secret": env["IMPACT_GOOGLE_CLIENT_SECRET"]}
    token = await client.grant("google", "ana@impact.example")
    async with client.http.post(
        env["IMPACT_GOOGLE_TOKEN_URL"], data={**form, "grant_type": "refresh_token", "refresh_token": token}
    ) as answer:
        assert answer.status == 200
