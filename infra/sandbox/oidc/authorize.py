"""The authorization endpoint with its sign-in page (OpenID Connect Core section 3.1.2). Code flow with S256 proof keys only.

The page lists the people; `login_hint` (a `sub` or an e-mail) passes it. Who has signed in in this browser is not asked again until the
sign-out, unless `prompt=login` or `max_age` wants it.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from html import escape

from aiohttp import web

from infra.sandbox.answers import Answer, Refusal
from infra.sandbox.authorization import Asked, error_page, fault_to, form_address, lead_back, page, read_challenge, read_request
from infra.sandbox.codes import Code
from infra.sandbox.config import OIDC
from infra.sandbox.gate import Call, pass_gate
from infra.sandbox.oidc.discovery import SCOPES
from infra.sandbox.oidc.people import Person
from infra.sandbox.oidc.state import Session
from infra.sandbox.pages.dialog import choices, dialog
from infra.sandbox.world import WORLD, World

__all__ = ["COOKIE", "routes"]

COOKIE = "sandbox_signed_in"
_COOKIE_RULES = "Path=/oidc; HttpOnly; SameSite=Lax"
_PROMPTS = frozenset({"none", "login", "consent", "select_account"})


def routes() -> list[web.RouteDef]:
    return [web.get("/oidc/authorize", _authorize), web.post("/oidc/authorize", _authorize)]


async def _authorize(request: web.Request) -> web.StreamResponse:
    world, asked = request.app[WORLD], await read_request(request)
    call = Call(service=OIDC, operation="authorize", email=None, mailbox=None, fault_answer=fault_to(OIDC, asked, world.redirects))
    return await pass_gate(world, request, call, lambda: _answer(world, request, asked))


def _answer(world: World, request: web.Request, asked: Asked | None) -> Answer:
    asked = _known_client(world, asked)
    challenge = _checked(asked)
    now = world.clock.now()
    chosen = world.oidc.people.get(asked.form.get("account", "")) or world.oidc.people.hinted(asked["login_hint"])
    if chosen is not None:
        session = Session(sub=chosen.sub, authenticated_at=now)
        cookie = {"Set-Cookie": f"{COOKIE}={world.oidc.sign_in(session)}; {_COOKIE_RULES}"}
        return _issue(world, asked, challenge, session, cookie)
    current = world.oidc.session(request.cookies.get(COOKIE, ""))
    if current is not None and _is_fresh(asked, current, now):
        return _issue(world, asked, challenge, current, {})
    if "none" in asked.prompts:
        raise _refuse(asked, "login_required", "Nobody is signed in.")
    return _sign_in_page(world.oidc.people.all(), form_address(request, asked), world.config.app_name, unknown=bool(asked["login_hint"]))


def _known_client(world: World, asked: Asked | None) -> Asked:
    """As long as client and address are not known together, the answer stays here."""
    if asked is None:
        raise error_page(OIDC, "invalid_request", "A parameter is repeated.")
    if asked["client_id"] != world.config.oidc_client_id:
        raise error_page(OIDC, "invalid_client", "No such client.")
    if not world.redirects.allows(OIDC, asked["redirect_uri"]):
        raise error_page(OIDC, "redirect_mismatch", "The redirect_uri is not registered for this client.")
    return asked


def _checked(asked: Asked) -> str:
    """The challenge. Raises Refusal that leads back with the error."""
    if asked["response_type"] != "code":
        code = "unsupported_response_type" if asked["response_type"] else "invalid_request"
        raise _refuse(asked, code, "response_type must be code.")
    for name in ("request", "request_uri"):
        if asked[name]:
            raise _refuse(asked, f"{name}_not_supported", f"{name} is not supported.")
    if asked["response_mode"] not in ("", "query"):
        raise _refuse(asked, "invalid_request", "response_mode must be query.")
    if "openid" not in asked.scopes or not set(asked.scopes) <= set(SCOPES):
        raise _refuse(asked, "invalid_scope", f"scope takes {', '.join(SCOPES)}, with openid.")
    if not asked.prompts <= _PROMPTS or ("none" in asked.prompts and len(asked.prompts) > 1):
        raise _refuse(asked, "invalid_request", "prompt is malformed.")
    if asked["max_age"] and not (asked["max_age"].isascii() and asked["max_age"].isdigit() and len(asked["max_age"]) < 10):
        raise _refuse(asked, "invalid_request", "max_age must be a number of seconds.")
    try:
        challenge = read_challenge(asked)
    except ValueError as error:
        raise _refuse(asked, "invalid_request", f"{error}.") from None
    if challenge is None:
        raise _refuse(asked, "invalid_request", "code_challenge is required.")
    return challenge


def _is_fresh(asked: Asked, session: Session, now: datetime) -> bool:
    if asked.prompts & {"login", "select_account"}:
        return False
    return not asked["max_age"] or now - session.authenticated_at <= timedelta(seconds=int(asked["max_age"]))


def _issue(world: World, asked: Asked, challenge: str, session: Session, headers: Mapping[str, str]) -> Answer:
    code = Code(
        client_id=asked["client_id"],
        redirect_uri=asked["redirect_uri"],
        subject=session.sub,
        scopes=asked.scopes,
        challenge=challenge,
        nonce=asked["nonce"] or None,
        expires_at=world.clock.now() + world.config.oidc_code_lifetime,
        authenticated_at=session.authenticated_at,
    )
    back = lead_back(asked["redirect_uri"], [("code", world.oidc.codes.issue(code)), ("state", asked.fields.get("state"))])
    return Answer(status=back.status, headers={**back.headers, **headers})


def _refuse(asked: Asked, code: str, description: str) -> Refusal:
    parameters = [("error", code), ("error_description", description), ("state", asked.fields.get("state"))]
    return Refusal(lead_back(asked["redirect_uri"], parameters))


def _sign_in_page(people: list[Person], address: str, app_name: str, *, unknown: bool) -> Answer:
    note = "<p role=alert>Nobody is known by that login_hint.</p>" if unknown else ""
    listed = choices(
        address, ((person.sub, person.name, f"{person.email} · {', '.join(person.groups) or 'no group'}") for person in people)
    )
    body = f"<h1>Sign in</h1>{note}<p>Who do you want to be in {escape(app_name)}?</p>{listed}"
    return page(dialog("Sign in", OIDC, body))
