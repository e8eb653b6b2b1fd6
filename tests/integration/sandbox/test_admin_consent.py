"""The address where an administrator consents for everybody."""

import pytest

from tests.integration.sandbox.browser import Browser
from tests.integration.sandbox.client import Client
from tests.integration.sandbox.test_microsoft_authorize import STRICT, STRICT_ADMIN, address, asked

CALLBACK = "http://127.0.0.1:8000/admin-consent/callback"
STRICT_TENANT = "b3a7e1d2-91c4-4f4e-8b57-2f6f3c9d7e02"
REQUEST = {"client_id": "sandbox-client", "redirect_uri": CALLBACK, "state": "st&te"}


@pytest.fixture
def browser(client: Client) -> Browser:
    return Browser(base_url=client.sandbox.base_url, http=client.http)


@pytest.mark.parametrize("tenant", [STRICT_TENANT, "strict.example", "organizations", "common"])
async def test_consent_for_everybody_lets_those_who_wait_connect(browser: Browser, tenant: str) -> None:
    chooser = await browser.get(f"/{tenant}/adminconsent", REQUEST)
    assert STRICT_ADMIN in chooser.choices
    assert "ana.ruiz@outlook.example" not in chooser.choices
    page = await browser.press(chooser, account=STRICT_ADMIN)
    for words in ("Have full access to user calendars", "Sign in and read user profile", "Impact Feedback", "Strict Studios", "Accept"):
        assert words in page.text
    back = await browser.press(page, account=STRICT_ADMIN, decision="accept")
    assert back.landing == CALLBACK
    assert back.back == {"admin_consent": "True", "tenant": STRICT_TENANT, "state": "st&te"}
    assert (await browser.get(address(), asked(login_hint=STRICT))).status == 302


async def test_a_refusal_carries_admin_consent_true_as_well(browser: Browser) -> None:
    chooser = await browser.get(f"/{STRICT_TENANT}/adminconsent", REQUEST)
    back = await browser.press(chooser, account=STRICT_ADMIN, decision="cancel")
    assert (back.back["admin_consent"], back.back["error"], back.back["state"]) == ("True", "access_denied", "st&te")
    assert back.back["error_description"].startswith("AADSTS65004: ")
    assert "tenant" not in back.back
    assert "Need admin approval" in (await browser.get(address(), asked(login_hint=STRICT))).text


async def test_who_is_no_administrator_cannot_consent(browser: Browser) -> None:
    chooser = await browser.get(f"/{STRICT_TENANT}/adminconsent", REQUEST)
    page = await browser.press(chooser, account=STRICT, decision="accept")
    assert "Need admin approval" in page.text
    back = await browser.press(page, account=STRICT, decision="return")
    assert (back.back["admin_consent"], back.back["error"]) == ("True", "access_denied")
    assert back.back["error_description"].startswith("AADSTS90094: ")


async def test_without_an_address_or_a_state_it_leads_to_the_registered_address(browser: Browser) -> None:
    chooser = await browser.get(f"/{STRICT_TENANT}/adminconsent", {"client_id": "sandbox-client"})
    back = await browser.press(chooser, account=STRICT_ADMIN, decision="accept")
    assert (back.landing, back.back) == (CALLBACK, {"admin_consent": "True", "tenant": STRICT_TENANT})


@pytest.mark.parametrize(
    ("tenant", "fields", "number"),
    [
        ("nowhere.example", {}, 90002),
        ("consumers", {}, 90009),
        (STRICT_TENANT, {"client_id": "other"}, 700016),
        (STRICT_TENANT, {"redirect_uri": "http://evil.example/"}, 50011),
    ],
)
async def test_a_wrong_request_ends_on_a_page(browser: Browser, tenant: str, fields: dict[str, str], number: int) -> None:
    page = await browser.get(f"/{tenant}/adminconsent", REQUEST | fields)
    assert (page.status, page.location) == (400, "")
    assert f"AADSTS{number}" in page.text


async def test_an_administrator_of_another_tenant_cannot_consent(browser: Browser) -> None:
    chooser = await browser.get(f"/{STRICT_TENANT}/adminconsent", REQUEST)
    page = await browser.press(chooser, account="morgan@impact.example", decision="accept")
    assert (page.status, "AADSTS50020" in page.text) == (400, True)


async def test_an_ordered_fault_is_a_failure_with_admin_consent_true(client: Client, browser: Browser) -> None:
    await client.fault(service="microsoft", kind="status", operation="authorize", status=503, reason="server_error", times=1)
    back = await browser.get(f"/{STRICT_TENANT}/adminconsent", REQUEST)
    assert (back.back["error"], back.back["admin_consent"]) == ("server_error", "True")
