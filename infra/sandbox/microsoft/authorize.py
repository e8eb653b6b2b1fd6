"""The identity platform's authorization endpoint: choosing an account, and consent.

Sources: learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow (parameters and answers),
.../consent-framework, .../entra/identity/enterprise-apps/configure-user-consent (administrator approval). `prompt=consent` asks again even
when an administrator has consented for everybody, so it ends at "Need admin approval" where users may not consent.
"""

import uuid

from aiohttp import web

from infra.sandbox.accounts import Account
from infra.sandbox.answers import Answer, Refusal
from infra.sandbox.authorization import Asked, fault_to, form_address, lead_back, read_challenge, read_request
from infra.sandbox.codes import Code
from infra.sandbox.config import MICROSOFT
from infra.sandbox.gate import Call, pass_gate
from infra.sandbox.microsoft.aadsts import blocked, describe
from infra.sandbox.microsoft.audience import admits, admitted, require_tenant, tenant_of
from infra.sandbox.microsoft.authorize_pages import account_page, approval_page, consent_page
from infra.sandbox.microsoft.consent import lacks_consent, needs_approval
from infra.sandbox.microsoft.permissions import canonical
from infra.sandbox.world import WORLD, World

__all__ = ["known_client", "routes"]

_PATH = "/{tenant}/oauth2/v2.0/authorize"
#: Who chose an account in this browser last: `prompt=none` asks about them.
COOKIE = "sandbox_microsoft_account"
_PROMPTS = ("", "login", "none", "consent", "select_account")


def routes() -> list[web.RouteDef]:
    return [web.get(_PATH, _authorize), web.post(_PATH, _authorize)]


async def _authorize(request: web.Request) -> web.StreamResponse:
    world, asked = request.app[WORLD], await read_request(request)
    email = (asked.form.get("account") or asked["login_hint"]).lower() if asked else ""
    fault = fault_to(MICROSOFT, asked, world.redirects)
    call = Call(service=MICROSOFT, operation="authorize", email=email or None, mailbox=None, fault_answer=fault)
    answer = await pass_gate(world, request, call, lambda: _answer(world, request, asked))
    if asked is not None and asked.form.get("account"):
        answer.set_cookie(COOKIE, asked.form["account"], path="/", httponly=True, samesite="Lax")
    return answer


def _answer(world: World, request: web.Request, asked: Asked | None) -> Answer:
    segment = request.match_info["tenant"]
    require_tenant(world, segment)
    asked = known_client(world, asked)
    if not asked["redirect_uri"]:
        raise blocked(900144, "The request must contain the following parameter: 'redirect_uri'.")
    wanted, address = _checked(asked), form_address(request, asked)
    account = _account(world, segment, asked, request.cookies.get(COOKIE))
    if account is None:
        if asked["prompt"] == "none":
            return _refused(asked, "login_required", 50058, "A silent sign-in request was sent but no user is signed in.")
        unknown = bool(asked["login_hint"]) and asked["prompt"] != "select_account"
        return account_page(world.config, admitted(world, segment), address, unknown=unknown)
    return _decide(world, asked, account, wanted, address)


def known_client(world: World, asked: Asked | None) -> Asked:
    """Raises Refusal, a page: as long as client and address are not known together, nothing leads back."""
    if asked is None:
        raise blocked(9000411, "The request is not properly formatted. A parameter is duplicated.")
    if world.config.client(asked["client_id"]) is None:
        raise blocked(700016, "Application was not found in the directory.")
    if asked["redirect_uri"] and not world.redirects.allows(MICROSOFT, asked["redirect_uri"]):
        text = "The redirect URI specified in the request does not match the redirect URIs configured for the application."
        raise blocked(50011, text)
    return asked


def _checked(asked: Asked) -> tuple[str, ...]:
    """The scopes. Raises Refusal that leads back with the error."""
    for name in ("response_type", "scope"):
        if not asked[name]:
            text = f"The request body must contain the following parameter: '{name}'."
            raise Refusal(_refused(asked, "invalid_request", 900144, text))
    if asked["response_type"] != "code":
        raise Refusal(_refused(asked, "unsupported_response_type", 70005, "response_type must be 'code'."))
    if asked["response_mode"] not in ("", "query"):
        raise Refusal(_refused(asked, "invalid_request", 70007, "The sandbox answers in the query only."))
    if asked["prompt"] not in _PROMPTS:
        raise Refusal(_refused(asked, "invalid_request", 90023, "Unsupported 'prompt' value."))
    try:
        read_challenge(asked)
    except ValueError as error:
        raise Refusal(_refused(asked, "invalid_request", 501491, f"Invalid Code_Challenge parameter: {error}.")) from None
    try:
        return canonical(asked.scopes)
    except ValueError as unknown:
        text = f"The application asked for scope '{str(unknown)[:80]}' that doesn't exist on the resource."
        raise Refusal(_refused(asked, "invalid_client", 650053, text)) from None


def _account(world: World, segment: str, asked: Asked, signed_in: str | None) -> Account | None:
    """Who was chosen on the page; before that, who is hinted at, or without any page who chose in this browser before.

    Raises Refusal, a page, when the address does not admit them.
    """
    chosen = asked.form.get("account")
    if chosen is None and asked["prompt"] != "select_account":
        chosen = asked["login_hint"] or (signed_in if asked["prompt"] == "none" else None)
    account = world.directory.account(MICROSOFT, chosen, world.mailboxes) if chosen else None
    if account is not None and not admits(world, segment, account):
        text = f"User account '{account.email}' from this identity provider does not exist in the tenant and cannot access the application."
        raise blocked(50020, text)
    return account


def _decide(world: World, asked: Asked, account: Account, wanted: tuple[str, ...], address: str) -> Answer:
    lacks = lacks_consent(world, account, asked["client_id"], wanted)
    if not lacks and asked["prompt"] != "consent":
        return _issue(world, asked, account, wanted)
    if asked["prompt"] == "none":
        text = "The user or administrator has not consented to use the application. Send an interactive authorization request."
        return _refused(asked, "consent_required", 65001, text)
    decision = asked.form.get("decision")
    if needs_approval(world, account):
        if decision == "return":
            return _refused(asked, "access_denied", 90094, "An administrator of the organization has to consent to the application.")
        return approval_page(world.config, account, asked, address)
    if decision == "cancel":
        return _refused(asked, "access_denied", 65004, "User declined to consent to access the app.", subcode="cancel")
    if decision != "accept":
        return consent_page(world.config, account, tenant_of(world, account), wanted, address)
    if account.admin and "organization" in asked.form:
        world.directory.consent_for_all(account.tenant_id)
    return _issue(world, asked, account, wanted)


def _issue(world: World, asked: Asked, account: Account, wanted: tuple[str, ...]) -> Answer:
    now = world.clock.now()
    code = Code(
        client_id=asked["client_id"],
        redirect_uri=asked["redirect_uri"],
        subject=account.email,
        scopes=wanted,
        challenge=read_challenge(asked),
        nonce=asked["nonce"] or None,
        expires_at=now + world.config.code_lifetime,
        authenticated_at=now,
    )
    value = world.codes[MICROSOFT].issue(code)
    return lead_back(asked["redirect_uri"], [("code", value), ("state", asked.fields.get("state")), ("session_state", str(uuid.uuid4()))])


def _refused(asked: Asked, code: str, number: int, text: str, *, subcode: str | None = None) -> Answer:
    parameters = [
        ("error", code),
        ("error_subcode", subcode),
        ("error_description", describe(number, text)),
        ("error_uri", f"https://login.microsoftonline.com/error?code={number}"),
        ("state", asked.fields.get("state")),
    ]
    return lead_back(asked["redirect_uri"], parameters)
