"""`/{tenant}/adminconsent`: an administrator consents for everybody in the tenant.

Source: learn.microsoft.com/entra/identity-platform/v2-admin-consent. Failures carry `admin_consent=True` too, as seen in the wild: an
application has to look at `error` first.
"""

from aiohttp import web

from infra.sandbox.accounts import PERSONAL_TENANT, Account
from infra.sandbox.answers import Answer
from infra.sandbox.authorization import Asked, fault_to, form_address, lead_back, read_request
from infra.sandbox.config import MICROSOFT
from infra.sandbox.gate import Call, pass_gate
from infra.sandbox.microsoft.aadsts import blocked, describe
from infra.sandbox.microsoft.audience import admits, admitted, require_tenant, tenant_of
from infra.sandbox.microsoft.authorize import known_client
from infra.sandbox.microsoft.authorize_pages import account_page, admin_consent_page, approval_page
from infra.sandbox.redirects import ADMIN_CONSENT
from infra.sandbox.world import WORLD, World

__all__ = ["routes"]

_PATH = "/{tenant}/adminconsent"
_MARK = ("admin_consent", "True")


def routes() -> list[web.RouteDef]:
    return [web.get(_PATH, _admin_consent), web.post(_PATH, _admin_consent)]


async def _admin_consent(request: web.Request) -> web.StreamResponse:
    world, asked = request.app[WORLD], await read_request(request)
    fault = fault_to(MICROSOFT, asked, world.redirects, _MARK)
    email = asked.form.get("account") if asked else None
    call = Call(service=MICROSOFT, operation="authorize", email=email, mailbox=None, fault_answer=fault)
    return await pass_gate(world, request, call, lambda: _answer(world, request, asked))


def _answer(world: World, request: web.Request, asked: Asked | None) -> Answer:
    segment = request.match_info["tenant"]
    require_tenant(world, segment)
    if segment in ("consumers", PERSONAL_TENANT):
        raise blocked(90009, "Personal accounts have no administrator.")
    asked = known_client(world, asked)
    address = form_address(request, asked)
    account = _account(world, segment, asked)
    if account is None:
        organizations = [one for one in admitted(world, segment) if one.tenant_id != PERSONAL_TENANT]
        return account_page(world.config, organizations, address)
    return _decide(world, asked, account, address)


def _account(world: World, segment: str, asked: Asked) -> Account | None:
    """Raises Refusal, a page, for an account of another tenant."""
    chosen = asked.form.get("account")
    account = world.directory.account(MICROSOFT, chosen, world.mailboxes) if chosen else None
    if account is not None and (account.tenant_id == PERSONAL_TENANT or not admits(world, segment, account)):
        raise blocked(50020, "The account does not exist in the tenant and cannot consent for it.")
    return account


def _decide(world: World, asked: Asked, account: Account, address: str) -> Answer:
    tenant, decision = tenant_of(world, account), asked.form.get("decision")
    if tenant is None or not account.admin:
        if decision == "return":
            return _refused(world, asked, 90094, "An administrator of the organization has to consent to the application.")
        return approval_page(world.config, account, asked, address)
    if decision == "cancel":
        return _refused(world, asked, 65004, "User declined to consent to access the app.")
    if decision != "accept":
        return admin_consent_page(world.config, account, tenant, address)
    world.directory.consent_for_all(tenant.tenant_id)
    return lead_back(_back(world, asked), [_MARK, ("tenant", tenant.tenant_id), ("state", asked.fields.get("state"))])


def _refused(world: World, asked: Asked, number: int, text: str) -> Answer:
    described = ("error_description", describe(number, text))
    return lead_back(_back(world, asked), [("error", "access_denied"), described, _MARK, ("state", asked.fields.get("state"))])


def _back(world: World, asked: Asked) -> str:
    """The registered address when the request names none."""
    return asked["redirect_uri"] or world.redirects.usual(ADMIN_CONSENT)
