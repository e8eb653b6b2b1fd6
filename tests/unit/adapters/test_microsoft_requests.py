"""The requests as msgraph-sdk builds them, and the credential that goes with them."""

from urllib.parse import parse_qs, urlsplit

import pytest
from azure.core.credentials import AccessToken
from azure.core.credentials_async import AsyncTokenCredential
from hypothesis import given
from hypothesis.strategies import text
from msgraph.generated.models.event import Event

from adapters.errors import Misconfigured
from adapters.microsoft.credential import GrantedToken, TokenGuard
from adapters.microsoft.requests import GraphRequests

BASE = "https://graph.microsoft.com/v1.0"
REQUESTS = GraphRequests(BASE)


def test_each_request_asks_for_ids_that_stay() -> None:
    every = [
        REQUESTS.create(Event()),
        REQUESTS.update("id", Event()),
        REQUESTS.delete("id"),
        REQUESTS.find("abc"),
        REQUESTS.next_page(f"{BASE}/me/events?%24skip=50"),
    ]
    assert {request.headers["prefer"] for request in every} == {'IdType="ImmutableId"'}
    assert not any("if-match" in request.headers for request in every)


def test_requests_are_about_the_signed_in_users_own_calendar() -> None:
    assert (REQUESTS.create(Event()).method, REQUESTS.create(Event()).url) == ("POST", f"{BASE}/me/events")
    assert (REQUESTS.update("a", Event()).method, REQUESTS.update("a", Event()).url) == ("PATCH", f"{BASE}/me/events/a")
    assert (REQUESTS.delete("a").method, REQUESTS.delete("a").url, REQUESTS.delete("a").body) == ("DELETE", f"{BASE}/me/events/a", None)


def test_an_id_is_quoted_in_the_address() -> None:
    assert REQUESTS.delete("AA+/b=?#%2e ").url == f"{BASE}/me/events/AA%2B%2Fb%3D%3F%23%252e%20"


@given(remote_id=text(min_size=1))
def test_an_address_is_what_the_sdk_makes_of_it(remote_id: str) -> None:
    """Its template is expanded once, and the id put in by us; the SDK would expand it for each."""
    theirs = REQUESTS._events.by_event_id(remote_id).to_delete_request_information().url.replace("/users/me-token-to-replace", "/me", 1)
    assert REQUESTS.delete(remote_id).url == REQUESTS.update(remote_id, Event()).url == theirs


def test_a_search_is_for_the_key_and_expands_the_mark() -> None:
    request = REQUESTS.find("abc")
    assert (request.method, urlsplit(request.url).path) == ("GET", "/v1.0/me/events")
    query = parse_qs(urlsplit(request.url).query)
    key = "String {e34341d9-a531-4695-8863-ab01e8198dff} Name ImpactFeedbackKey"
    assert query["$filter"] == [f"singleValueExtendedProperties/Any(ep: ep/id eq '{key}' and ep/value eq 'abc')"]
    assert query["$expand"][0].startswith("singleValueExtendedProperties($filter=id eq 'String {e34341d9-")
    assert query["$select"] == ["id"]


def test_a_request_does_not_change_the_next() -> None:
    before = REQUESTS.create(Event(subject="a"))
    REQUESTS.update("other", Event(subject="b"))
    REQUESTS.find("abc")
    assert REQUESTS.create(Event(subject="a")) == before


def test_nothing_of_the_body_is_in_the_repr() -> None:
    assert "Yoga" not in repr(REQUESTS.create(Event(subject="Yoga")))


LOOPBACK = ["http://127.0.0.1:8080/v1.0", "http://127.0.0.2:8080/v1.0", "http://localhost:1/v1.0", "http://[::1]:8080/v1.0"]


@pytest.mark.parametrize("base", [BASE, *LOOPBACK])
async def test_the_token_goes_to_the_configured_address(base: str) -> None:
    guard = TokenGuard(base)
    assert await guard.authorization(f"{base}/me/events", "secret") == "Bearer secret"


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/me/events",
        "https://graph.microsoft.com.evil.example/",
        "https://graph.microsoft.com@evil.example/",
        "http://graph.microsoft.com/v1.0/me/events",
        "//graph.microsoft.com/v1.0/me/events",
    ],
)
async def test_the_token_goes_to_no_other_host_and_nowhere_in_clear(url: str) -> None:
    with pytest.raises(Misconfigured, match="token_withheld") as raised:
        await TokenGuard(BASE).authorization(url, "secret")
    assert "secret" not in str(raised.value)


async def test_the_token_for_one_loopback_address_goes_to_no_other_host() -> None:
    for url in ("http://evil.example/me/events", "http://127.0.0.3:8080/v1.0/me/events", "https://evil.example/http://"):
        with pytest.raises(Misconfigured, match="token_withheld"):
            await TokenGuard("http://127.0.0.2:8080/v1.0").authorization(url, "secret")


@pytest.mark.parametrize("base", ["http://graph.example/v1.0", "ftp://localhost/v1.0", "graph.microsoft.com/v1.0", ""])
def test_an_address_that_must_not_get_a_token_is_refused_at_the_start(base: str) -> None:
    with pytest.raises(ValueError, match="Microsoft Graph"):
        TokenGuard(base)


async def test_the_credential_is_one_for_azure_core() -> None:
    async with GrantedToken("secret") as credential:
        assert isinstance(credential, AsyncTokenCredential)
        assert await credential.get_token("scope", enable_cae=True) == AccessToken("secret", 0)
        assert "secret" not in repr(credential)
