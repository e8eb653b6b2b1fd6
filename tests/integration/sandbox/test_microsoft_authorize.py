"""The identity platform's authorization endpoint, its consent pages and the redemption of its codes."""

from typing import Any

import jwt
import pytest

from tests.integration.sandbox.browser import Browser, Page, challenge_of, new_verifier
from tests.integration.sandbox.client import GRAPH_EVENTS, Client, Reply, graph_event

CALLBACK = "http://127.0.0.1:8000/oauth/microsoft/callback"
SCOPE = "Calendars.ReadWrite User.Read offline_access openid email"
ANA, STRICT, STRICT_ADMIN, PERSONAL = "ana@impact.example", "chloe@strict.example", "admin@strict.example", "ana.ruiz@outlook.example"
PERSONAL_TENANT = "9188040d-6c67-4c5b-b112-36a304b66dad"
VERIFIER = new_verifier()


@pytest.fixture
def browser(client: Client) -> Browser:
    return Browser(base_url=client.sandbox.base_url, http=client.http)


def address(tenant: str = "common") -> str:
    return f"/{tenant}/oauth2/v2.0/authorize"


def asked(**more: str) -> dict[str, str]:
    usual = {
        "client_id": "sandbox-client",
        "response_type": "code",
        "redirect_uri": CALLBACK,
        "scope": SCOPE,
        "state": "st&te",
        "nonce": "n-1",
        "code_challenge": challenge_of(VERIFIER),
        "code_challenge_method": "S256",
    }
    return {name: value for name, value in (usual | more).items() if value}


async def consent(browser: Browser, email: str = ANA, *, decision: str = "accept", tenant: str = "common", **more: str) -> Page:
    page = await browser.get(address(tenant), asked(**({"login_hint": email} | more)))
    assert page.status == 200, page.location
    return await browser.press(page, account=email, decision=decision)


async def redeem(client: Client, code: str, *, tenant: str = "common", **more: str) -> Reply:
    form = {"client_id": "sandbox-client", "client_secret": "sandbox-secret", "grant_type": "authorization_code"}
    form |= {"code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER} | more
    path = f"/{tenant}/oauth2/v2.0/token"
    return await client.ask("POST", path, data={name: value for name, value in form.items() if value})


async def test_choosing_an_account_and_saying_yes_connects_its_calendar(client: Client, browser: Browser) -> None:
    chooser = await browser.get(address(), asked())
    assert "Pick an account" in chooser.text
    assert {ANA, STRICT, PERSONAL} <= set(chooser.choices)
    page = await browser.press(chooser, account=ANA)
    for words in ("Impact Feedback", "Publisher:", "(verified)", ANA, ">Yes<", ">No<", "Simulated"):
        assert words in page.text
    for words in (
        "Have full access to your calendars",
        "Sign you in and read your profile",
        "Maintain access to data you have given it access to",
    ):
        assert words in page.text
    back = await browser.press(page, account=ANA, decision="accept")
    assert (back.landing, back.back["state"]) == (CALLBACK, "st&te")
    body = (await redeem(client, back.back["code"])).body
    assert "https://graph.microsoft.com/Calendars.ReadWrite" in body["scope"].split()
    refreshed = (await client.refresh("microsoft", body["refresh_token"], scope="Calendars.ReadWrite offline_access")).body
    bearer = {"Authorization": f"Bearer {refreshed['access_token']}"}
    assert (await client.ask("POST", GRAPH_EVENTS, graph_event(), headers=bearer)).status == 201
    me = (await client.ask("GET", "/v1.0/me", headers=bearer)).body
    assert (me["mail"], me["userPrincipalName"], me["displayName"]) == (ANA, ANA, "Ana Ruiz")


@pytest.mark.parametrize(("email", "tenant"), [(ANA, "common"), (ANA, "organizations"), (PERSONAL, "consumers"), (ANA, "impact.example")])
async def test_the_id_token_verifies_and_names_the_persons_tenant(client: Client, browser: Browser, email: str, tenant: str) -> None:
    back = await consent(browser, email, tenant=tenant)
    body = (await redeem(client, back.back["code"], tenant=tenant)).body
    configuration = (await client.ask("GET", f"/{tenant}/v2.0/.well-known/openid-configuration")).body
    keys = jwt.PyJWKSet.from_dict((await client.ask("GET", configuration["jwks_uri"].removeprefix(client.sandbox.base_url))).body)
    key = keys[jwt.get_unverified_header(body["id_token"])["kid"]]
    claims: dict[str, Any] = jwt.decode(body["id_token"], key, algorithms=["RS256"], audience="sandbox-client")
    assert claims["iss"] == configuration["issuer"].replace("{tenantid}", claims["tid"])
    assert (claims["email"], claims["nonce"], "preferred_username" in claims) == (email, "n-1", False)
    assert (claims["tid"] == PERSONAL_TENANT) == (email == PERSONAL)


async def test_an_account_without_mail_has_no_email_anywhere(client: Client, browser: Browser) -> None:
    account = {"service": "microsoft", "email": "kim@outlook.example", "has_mail": False, "user_principal_name": "kim_live#EXT#@x.example"}
    assert (await client.ask("POST", "/control/accounts", account)).body["tenant_id"] == PERSONAL_TENANT
    back = await consent(browser, "kim@outlook.example", scope=SCOPE + " profile")
    body = (await redeem(client, back.back["code"])).body
    claims = jwt.decode(body["id_token"], options={"verify_signature": False})
    assert ("email" in claims, claims["preferred_username"]) == (False, "kim_live#EXT#@x.example")
    me = (await client.ask("GET", "/v1.0/me", headers={"Authorization": f"Bearer {body['access_token']}"})).body
    assert (me["mail"], me["userPrincipalName"]) == (None, "kim_live#EXT#@x.example")


async def test_a_persons_no_leads_back_with_65004(browser: Browser) -> None:
    back = await consent(browser, decision="cancel")
    assert (back.landing, back.back["error"], back.back["error_subcode"], back.back["state"]) == (
        CALLBACK,
        "access_denied",
        "cancel",
        "st&te",
    )
    assert back.back["error_description"].startswith("AADSTS65004: ")
    assert "code" not in back.back


async def test_a_consent_is_asked_for_once_unless_prompted(client: Client, browser: Browser) -> None:
    await redeem(client, (await consent(browser)).back["code"])
    again = await browser.get(address(), asked(login_hint=ANA))
    assert "refresh_token" in (await redeem(client, again.back["code"])).body
    assert (await browser.get(address(), asked(login_hint=ANA, prompt="consent"))).status == 200
    assert "Pick an account" in (await browser.get(address(), asked(login_hint=ANA, prompt="select_account"))).text
    await client.ask("POST", "/control/grants/revoke", {"service": "microsoft", "email": ANA})
    assert (await browser.get(address(), asked(login_hint=ANA))).status == 200


@pytest.mark.parametrize(("hint", "error", "number"), [("", "login_required", 50058), (ANA, "consent_required", 65001)])
async def test_prompt_none_shows_no_page(browser: Browser, hint: str, error: str, number: int) -> None:
    page = await browser.get(address(), asked(prompt="none", login_hint=hint))
    assert (page.back["error"], page.back["error_description"].split(":")[0]) == (error, f"AADSTS{number}")


async def test_prompt_none_asks_about_who_chose_an_account_in_this_browser(client: Client, browser: Browser) -> None:
    await browser.press(await browser.get(address(), asked()), account=ANA)
    assert (await browser.get(address(), asked(prompt="none"))).back["error"] == "consent_required"
    await redeem(client, (await consent(browser)).back["code"])
    assert "refresh_token" in (await redeem(client, (await browser.get(address(), asked(prompt="none"))).back["code"])).body
    assert "Pick an account" in (await browser.get(address(), asked())).text


async def test_where_administrators_approve_a_person_can_only_return(browser: Browser) -> None:
    page = await browser.get(address(), asked(login_hint=STRICT))
    assert "Need admin approval" in page.text
    assert "Have an admin account?" in page.text
    stubborn = await browser.press(page, account=STRICT, decision="accept")
    assert (stubborn.status, "Need admin approval" in stubborn.text) == (200, True)
    back = await browser.press(page, account=STRICT, decision="return")
    assert (back.landing, back.back["error"], back.back["state"]) == (CALLBACK, "access_denied", "st&te")
    assert back.back["error_description"].startswith("AADSTS90094: ")


async def test_an_administrators_consent_for_everybody_lets_people_in_without_a_page(client: Client, browser: Browser) -> None:
    page = await browser.get(address(), asked(login_hint=STRICT_ADMIN))
    assert "Consent on behalf of your organization" in page.text
    await browser.press(page, account=STRICT_ADMIN, decision="accept", organization="yes")
    waiting = await browser.get(address(), asked(login_hint=STRICT))
    assert (await redeem(client, waiting.back["code"])).status == 200
    asked_again = await browser.get(address(), asked(login_hint=STRICT, prompt="consent"))
    assert "Need admin approval" in asked_again.text


async def test_an_administrators_own_consent_is_for_nobody_else(client: Client, browser: Browser) -> None:
    await consent(browser, STRICT_ADMIN)
    assert "Need admin approval" in (await browser.get(address(), asked(login_hint=STRICT))).text


async def test_an_ordinary_user_cannot_consent_for_the_organization(browser: Browser) -> None:
    page = await browser.get(address(), asked(login_hint=ANA))
    assert "on behalf of your organization" not in page.text
    await browser.press(page, account=ANA, decision="accept", organization="yes")
    assert (await browser.get(address(), asked(login_hint="ben@impact.example"))).status == 200


async def test_tenants_and_consents_can_be_set(client: Client, browser: Browser) -> None:
    tenant = {"tenant_id": "11111111-2222-4333-8444-555555555555", "domain": "dance.example", "admin_approval_required": True}
    assert (await client.ask("POST", "/control/tenants", tenant)).status == 201
    account = {"service": "microsoft", "email": "Dee@dance.example", "name": "Dee"}
    assert (await client.ask("POST", "/control/accounts", account)).body["tenant_id"] == tenant["tenant_id"]
    assert "Need admin approval" in (await browser.get(address(), asked(login_hint="dee@dance.example"))).text
    await client.ask("POST", "/control/tenants", tenant | {"consented": True})
    assert (await browser.get(address(), asked(login_hint="dee@dance.example"))).status == 302
    await client.ask("POST", "/control/tenants", tenant)
    await client.ask("POST", "/control/accounts", account | {"consented": True})
    assert (await browser.get(address(), asked(login_hint="dee@dance.example"))).status == 302
    unknown = await client.ask("POST", "/control/accounts", account | {"tenant_id": "11111111-2222-4333-8444-000000000000"})
    assert unknown.status == 400


@pytest.mark.parametrize(
    ("tenant", "request_fields", "number"),
    [
        ("common", {"client_id": "other"}, 700016),
        ("common", {"redirect_uri": CALLBACK + "/"}, 50011),
        ("common", {"redirect_uri": "http://127.0.0.1:8000/oauth/google/callback"}, 50011),
        ("common", {"redirect_uri": ""}, 900144),
        ("nowhere.example", {}, 90002),
        ("11111111-2222-4333-8444-000000000000", {}, 90002),
        ("consumers", {}, 50020),
        ("strict.example", {}, 50020),
        ("organizations", {"login_hint": PERSONAL}, 50020),
    ],
)
async def test_what_is_wrong_before_the_application_is_known_ends_on_a_page(
    browser: Browser, tenant: str, request_fields: dict[str, str], number: int
) -> None:
    page = await browser.get(address(tenant), asked(**({"login_hint": ANA} | request_fields)))
    assert (page.status, page.location) == (400, "")
    assert f"AADSTS{number}" in page.text


@pytest.mark.parametrize(
    ("request_fields", "error", "number"),
    [
        ({"response_type": ""}, "invalid_request", 900144),
        ({"scope": ""}, "invalid_request", 900144),
        ({"response_type": "token"}, "unsupported_response_type", 70005),
        ({"response_mode": "form_post"}, "invalid_request", 70007),
        ({"prompt": "always"}, "invalid_request", 90023),
        ({"code_challenge": "short"}, "invalid_request", 501491),
        ({"code_challenge_method": "plain"}, "invalid_request", 501491),
        ({"scope": "openid Calendars.Write"}, "invalid_client", 650053),
    ],
)
async def test_a_wrong_request_is_led_back_with_the_error(
    browser: Browser, request_fields: dict[str, str], error: str, number: int
) -> None:
    page = await browser.get(address(), asked(login_hint=ANA, **request_fields))
    assert (page.landing, page.back["error"], page.back["state"]) == (CALLBACK, error, "st&te")
    assert page.back["error_description"].startswith(f"AADSTS{number}: ")


@pytest.mark.parametrize(
    ("form", "status", "error", "number"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client", 7000215),
        ({"client_secret": ""}, 401, "invalid_client", 7000218),
        ({"client_id": "other"}, 400, "unauthorized_client", 700016),
        ({"code_verifier": new_verifier()}, 400, "invalid_grant", 501481),
        ({"code_verifier": ""}, 400, "invalid_grant", 50148),
        ({"redirect_uri": "http://localhost:8000/oauth/microsoft/callback"}, 400, "invalid_client", 500112),
        ({"redirect_uri": ""}, 400, "invalid_request", 900144),
        ({"code": "nonsense"}, 400, "invalid_grant", 70000),
        ({"code": ""}, 400, "invalid_request", 900144),
        ({"tenant": "consumers"}, 400, "invalid_grant", 700005),
        ({"scope": "Mail.Read"}, 400, "invalid_grant", 65001),
        ({"grant_type": "implicit"}, 400, "unsupported_grant_type", 70003),
    ],
)
async def test_a_wrong_redemption_says_what_is_wrong(
    client: Client, browser: Browser, form: dict[str, str], status: int, error: str, number: int
) -> None:
    reply = await redeem(client, **({"code": (await consent(browser)).back["code"]} | form))
    assert (reply.status, reply.body["error"], reply.body["error_codes"]) == (status, error, [number])


async def test_a_code_works_once_and_for_ten_minutes(client: Client, browser: Browser) -> None:
    code = (await consent(browser)).back["code"]
    assert (await redeem(client, code)).status == 200
    assert (await redeem(client, code)).body["error_codes"] == [54005]
    late = (await browser.get(address(), asked(login_hint=ANA))).back["code"]
    await client.ask("POST", "/control/clock", {"advance_seconds": 600})
    assert (await redeem(client, late)).body["error_codes"] == [70008]


async def test_a_request_without_state_or_nonce_comes_back_without_them(client: Client, browser: Browser) -> None:
    back = await consent(browser, state="", nonce="")
    assert "state" not in back.back
    claims = jwt.decode((await redeem(client, back.back["code"])).body["id_token"], options={"verify_signature": False})
    assert "nonce" not in claims


async def test_without_offline_access_there_is_no_refresh_token(client: Client, browser: Browser) -> None:
    back = await consent(browser, scope="openid https://graph.microsoft.com/calendars.readwrite")
    body = (await redeem(client, back.back["code"])).body
    assert ("refresh_token" in body, "https://graph.microsoft.com/Calendars.ReadWrite" in body["scope"].split()) == (False, True)


async def test_an_unverified_publisher_is_said_to_be_one(launch: Any) -> None:
    from infra.sandbox.config import SandboxConfig

    client = await launch(SandboxConfig(app_name="<i>Odd</i>", publisher_verified=False))
    page = await Browser(base_url=client.sandbox.base_url, http=client.http).get(address(), asked(login_hint=ANA))
    assert "unverified" in page.text
    assert "&lt;i&gt;Odd&lt;/i&gt;" in page.text
    assert "<i>" not in page.text


async def test_an_ordered_fault_leads_back_with_its_reason(client: Client, browser: Browser) -> None:
    await client.fault(service="microsoft", kind="status", operation="authorize", status=503, reason="temporarily_unavailable", times=1)
    page = await browser.get(address(), asked())
    assert (page.back["error"], page.back["state"]) == ("temporarily_unavailable", "st&te")
