"""The administrator's page, and where Microsoft leads back to."""

import re
from html import unescape

import httpx
import pytest

from tests.integration.portal.conftest import World
from tests.integration.portal.person import problem_of

STRICT = "b3a7e1d2-91c4-4f4e-8b57-2f6f3c9d7e02"
CALLBACK = "/admin-consent/callback"


async def made_link(world: World, tenant: str) -> httpx.URL:
    person = await world.signed_in("morgan@impact.example")
    await person.open("/administration")
    page = await person.submit("/administration", tenant=tenant)
    found = re.search(r"<textarea[^>]*>([^<]+)<", page.text)
    assert found, page.text
    return httpx.URL(unescape(found[1]))


@pytest.mark.parametrize("tenant", [STRICT, STRICT.upper(), "strict.example", "  Strict.Example "])
async def test_the_link_is_for_the_tenant_with_our_application_and_address(world: World, tenant: str) -> None:
    link = await made_link(world, tenant)
    assert link.path == f"/{tenant.strip().lower()}/adminconsent"
    assert link.params["client_id"] == "sandbox-client"
    assert link.params["redirect_uri"] == f"http://127.0.0.1:8000{CALLBACK}"


@pytest.mark.parametrize(
    "tenant",
    [
        "",
        "common",
        "organizations",
        "a b.example",
        "../evil",
        "school.example/x",
        "https://school.example",
        '"><b>',
        "1234",
        "-a.example",
        "x" * 400,
    ],
)
async def test_what_is_no_tenant_is_refused_and_shown_as_text(world: World, tenant: str) -> None:
    person = await world.signed_in("morgan@impact.example")
    await person.open("/administration")
    page = await person.submit("/administration", tenant=tenant)
    assert page.status_code == 422
    assert "That is neither a tenant ID nor a domain." in page.text
    assert "<b>" not in page.text


async def test_both_permissions_are_listed_with_why(world: World) -> None:
    person = await world.signed_in("morgan@impact.example")
    text = (await person.open("/administration")).text
    for words in ("Calendars.ReadWrite", "Have full access to user calendars", "User.Read", "Sign in and read user profile", "Delegated"):
        assert words in text


async def test_an_administrator_approves_for_the_organization(world: World) -> None:
    link = await made_link(world, "strict.example")
    admin = world.person()  # somebody without an account here
    await admin.open(str(link))
    await admin.submit("/adminconsent", account="admin@strict.example")
    page = await admin.submit("/adminconsent", press=("decision", "accept"))
    assert (page.status_code, problem_of(page)) == (200, "given")


async def test_errors_count_before_the_mark_that_says_yes(world: World) -> None:
    link = await made_link(world, "strict.example")
    state = link.params["state"]
    query = {"admin_consent": "True", "tenant": STRICT, "state": state, "error": "access_denied", "error_description": "AADSTS65004: no"}
    assert problem_of(await world.person().http.get(CALLBACK, params=query)) == "declined"
    assert (
        problem_of(await world.person().http.get(CALLBACK, params=query | {"error": "server_error", "error_description": ""})) == "failed"
    )


@pytest.mark.parametrize("state", ["", "forged", "%00", "A" * 5000])
async def test_an_approval_without_a_state_of_ours_is_not_believed(world: World, state: str) -> None:
    answer = await world.person().http.get(CALLBACK, params={"admin_consent": "True", "tenant": STRICT, "state": state})
    assert (answer.status_code, problem_of(answer)) == (400, "unknown")


async def test_a_link_works_for_thirty_days(world: World) -> None:
    link = await made_link(world, "strict.example")
    world.clock.advance(days=31)
    answer = await world.person().http.get(CALLBACK, params={"admin_consent": "True", "tenant": STRICT, "state": link.params["state"]})
    assert problem_of(answer) == "unknown"


async def test_nothing_of_the_answer_is_quoted(world: World) -> None:
    query = {"error": "<script>alert(1)</script>", "error_description": "<img src=x>", "tenant": "<b>", "state": "<i>"}
    text = (await world.person().http.get(CALLBACK, params=query)).text
    assert "<script>alert" not in text
    assert "<img src=x" not in text
