"""Google's authorization endpoint: choosing an account, and granular consent.

Sources: developers.google.com/identity/protocols/oauth2/web-server (parameters, `access_type`, `prompt`, the answer) and
.../resources/granular-permissions. What is wrong with the request is said on a page of Google's own, never at the application; only a
person's No and the failures of `prompt=none` lead back.
"""

from aiohttp import web

from infra.sandbox.accounts import Account
from infra.sandbox.answers import Answer
from infra.sandbox.authorization import Asked, error_page, fault_to, form_address, lead_back, read_challenge, read_request
from infra.sandbox.codes import Code
from infra.sandbox.config import GOOGLE
from infra.sandbox.gate import Call, pass_gate
from infra.sandbox.google.authorize_pages import account_page, consent_page
from infra.sandbox.google.scopes import canonical, is_known, needs_tick
from infra.sandbox.world import WORLD, World

__all__ = ["routes"]

_REQUIRED = frozenset({"client_id", "redirect_uri", "response_type", "scope"})
_OPTIONAL = frozenset({"access_type", "include_granted_scopes", "enable_granular_consent", "prompt", "login_hint", "hd", "hl"})
_BOUND = frozenset({"state", "nonce", "code_challenge", "code_challenge_method"})
_PARAMETERS = _REQUIRED | _OPTIONAL | _BOUND
_PROMPTS = frozenset({"none", "consent", "select_account"})


def routes() -> list[web.RouteDef]:
    return [web.get("/google/authorize", _authorize), web.post("/google/authorize", _authorize)]


async def _authorize(request: web.Request) -> web.StreamResponse:
    world, asked = request.app[WORLD], await read_request(request)
    email = (asked.form.get("account") or asked["login_hint"]).lower() if asked else ""
    call = Call(
        service=GOOGLE, operation="authorize", email=email or None, mailbox=None, fault_answer=fault_to(GOOGLE, asked, world.redirects)
    )
    return await pass_gate(world, request, call, lambda: _answer(world, request, asked))


def _answer(world: World, request: web.Request, asked: Asked | None) -> Answer:
    asked = _checked(world, asked)
    address, account = form_address(request, asked), _account(world, asked)
    if account is None:
        if "none" in asked.prompts:
            return _back(asked, error="interaction_required")
        return account_page(world.config, world.directory.accounts(GOOGLE, world.mailboxes), address)
    held = world.grants[GOOGLE].consented(account.email, asked["client_id"])
    wanted = canonical(asked.scopes)
    shows_page = "consent" in asked.prompts or not set(wanted) <= held
    if not shows_page:
        return _issue(world, asked, account, wanted, held)
    match asked.form.get("decision"):
        case "allow":
            granted = tuple(scope for scope in wanted if not needs_tick(scope) or scope in asked.ticked)
            return _issue(world, asked, account, granted, held)
        case "cancel":
            return _back(asked, error="access_denied")
        case _ if "none" in asked.prompts:
            return _back(asked, error="consent_required")
        case _:
            return consent_page(world.config, account, wanted, address)


def _checked(world: World, asked: Asked | None) -> Asked:
    if asked is None:
        raise error_page(GOOGLE, "invalid_request", "A parameter is repeated.")
    if world.config.client(asked["client_id"]) is None:
        raise error_page(GOOGLE, "invalid_client", "The OAuth client was not found.", status=401)
    if not world.redirects.allows(GOOGLE, asked["redirect_uri"]):
        raise error_page(GOOGLE, "redirect_uri_mismatch", "The redirect_uri is not one that is registered for this application.")
    problem = _problem(asked)
    if problem is not None:
        raise error_page(GOOGLE, "invalid_request", problem)
    unknown = [scope for scope in canonical(asked.scopes) if not is_known(scope)]
    if unknown or not asked.scopes:
        raise error_page(GOOGLE, "invalid_scope", f"Some requested scopes were invalid: {unknown}" if unknown else "scope is missing.")
    return asked


def _problem(asked: Asked) -> str | None:
    unknown = sorted(set(asked.fields) - _PARAMETERS)
    if unknown:
        return f"Parameter not allowed for this message type: {unknown[0][:60]}"
    if asked["response_type"] != "code":
        return "response_type must be code."
    if asked["access_type"] not in ("", "online", "offline"):
        return "access_type must be online or offline."
    if asked["include_granted_scopes"] not in ("", "true", "false"):
        return "include_granted_scopes must be true or false."
    if not asked.prompts <= _PROMPTS or ("none" in asked.prompts and len(asked.prompts) > 1):
        return "prompt takes consent and select_account, or none."
    try:
        read_challenge(asked)
    except ValueError as error:
        return f"{error}."
    return None


def _account(world: World, asked: Asked) -> Account | None:
    """Who was chosen on the page; before that, who is hinted at."""
    chosen = asked.form.get("account")
    if chosen is None and "select_account" not in asked.prompts:
        chosen = asked["login_hint"]
    return world.directory.account(GOOGLE, chosen, world.mailboxes) if chosen else None


def _issue(world: World, asked: Asked, account: Account, granted: tuple[str, ...], held: frozenset[str]) -> Answer:
    """A refresh token comes with the first consent, and with each one that `prompt=consent` asked for."""
    now = world.clock.now()
    scopes = granted + tuple(sorted(held - set(granted))) if asked["include_granted_scopes"] == "true" else granted
    code = Code(
        client_id=asked["client_id"],
        redirect_uri=asked["redirect_uri"],
        subject=account.email,
        scopes=scopes,
        challenge=read_challenge(asked),
        nonce=asked["nonce"] or None,
        expires_at=now + world.config.code_lifetime,
        authenticated_at=now,
        offline=asked["access_type"] == "offline" and ("consent" in asked.prompts or not held),
    )
    return _back(asked, code=world.codes[GOOGLE].issue(code), scope=" ".join(scopes))


def _back(asked: Asked, *, error: str | None = None, code: str | None = None, scope: str | None = None) -> Answer:
    parameters = [("error", error), ("state", asked.fields.get("state")), ("code", code), ("scope", scope)]
    if code is not None:
        parameters += [("authuser", "0"), ("prompt", asked["prompt"] or "none")]
    return lead_back(asked["redirect_uri"], parameters)
