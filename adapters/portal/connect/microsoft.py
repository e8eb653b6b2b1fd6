"""The Microsoft identity platform's consent page and token endpoint, for work, school and personal accounts.

Sources: the Microsoft identity platform's pages on the authorization code flow, on id token claims, and Graph's `user` resource.
"""

from urllib.parse import urlsplit

import httpx2
import msgspec

from adapters.portal.connect.grants import (
    AskedFor,
    CalendarNotAllowed,
    Granted,
    NoRefreshToken,
    account_of,
    email_of,
    granted_answer,
    id_token_claims,
)
from adapters.portal.deps import MicrosoftApp, PortalDeps
from adapters.portal.web.flows import Flow
from adapters.portal.web.oauth import Registration, Unavailable, authorization_url, exchange
from adapters.wording import SERVICE_NAMES
from schemas.connections import Service

__all__ = ["SCOPE", "MicrosoftClient", "admin_consent_base"]

SCOPE = "Calendars.ReadWrite User.Read offline_access openid email"


class _Me(msgspec.Struct, frozen=True, rename="camel"):
    mail: str | None = None
    user_principal_name: str | None = None


class MicrosoftClient:
    service = Service.MICROSOFT
    name = SERVICE_NAMES[service]
    callback = "/oauth/microsoft/callback"

    def __init__(self, app: MicrosoftApp, deps: PortalDeps, transport: httpx2.AsyncBaseTransport) -> None:
        self._app = app
        self._deps = deps
        self._transport = transport
        self._authority = app.authority.rstrip("/")

    async def authorize_url(self, flow: Flow, asked: AskedFor) -> str:
        extra = {"response_mode": "query", "nonce": flow.nonce}
        if asked.silent:
            extra["prompt"] = "none"
        elif asked.choose:
            extra["prompt"] = "select_account"
        if asked.hint:
            extra["login_hint"] = asked.hint
        return authorization_url(
            f"{self._authority}/oauth2/v2.0/authorize",
            client_id=self._app.client_id,
            redirect_uri=self._deps.url(self.callback),
            scope=SCOPE,
            state=flow.state,
            verifier=flow.verifier,
            **extra,
        )

    async def grant(self, flow: Flow, code: str) -> Granted:
        token_url = f"{self._authority}/oauth2/v2.0/token"
        raw = await exchange(
            self._transport,
            token_url,
            Registration(client_id=self._app.client_id, fields=await self._app.credential.form(token_url)),
            code=code,
            verifier=flow.verifier,
            redirect_uri=self._deps.url(self.callback),
            timeout=self._deps.call_timeout.total_seconds(),
        )
        try:
            answer = granted_answer(raw)
            claims = id_token_claims(answer.id_token, client_id=self._app.client_id, nonce=flow.nonce, now=self._deps.clock().timestamp())
        except ValueError as error:
            raise Unavailable(str(error)) from None
        scopes = tuple((answer.scope if answer.scope is not None else SCOPE).split())
        allowed = any(scope.rpartition("/")[2].casefold() == "calendars.readwrite" for scope in scopes)
        email = email_of(claims.get("email"))
        if email is None:
            me = await self._me(answer.access_token)
            email = email_of(me.mail, me.user_principal_name, claims.get("preferred_username"))
        if email is None:
            raise Unavailable("neither the id token nor the profile has an e-mail address")
        if not allowed:
            raise CalendarNotAllowed(email, answer.access_token)
        if not answer.refresh_token:
            raise NoRefreshToken(email)
        return Granted(email=email, account_id=account_of(claims), scopes=scopes, refresh_token=answer.refresh_token)

    async def give_back(self, token: str) -> None:
        """Microsoft has no endpoint for it."""

    async def _me(self, access_token: str) -> _Me:
        """What the profile says (User.Read); empty when it does not answer."""
        url = f"{self._app.graph_url.rstrip('/')}/me?$select=mail,userPrincipalName"
        request = httpx2.Request("GET", url, headers={"authorization": f"Bearer {access_token}", "accept": "application/json"})
        request.extensions["timeout"] = dict.fromkeys(("connect", "read", "write", "pool"), self._deps.call_timeout.total_seconds())
        try:
            answer = await self._transport.handle_async_request(request)
            body = await answer.aread()
            await answer.aclose()
            return msgspec.json.decode(body, type=_Me) if answer.status_code == 200 else _Me()
        except (httpx2.HTTPError, msgspec.DecodeError):
            return _Me()


def admin_consent_base(authority: str) -> str:
    """`https://login.microsoftonline.com`, from an authority that names a tenant at its end."""
    parts = urlsplit(authority.rstrip("/"))
    return f"{parts.scheme}://{parts.netloc}{parts.path.rpartition('/')[0]}"
