"""Google's consent page and token endpoint. Sources: Google's OAuth2 guide for web server applications, and on granular permissions."""

import logging

import httpx2

from adapters.google.tokens import CALENDAR_SCOPES
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
from adapters.portal.deps import GoogleApp, PortalDeps
from adapters.portal.web.flows import Flow
from adapters.portal.web.oauth import Registration, Unavailable, authorization_url, exchange
from adapters.wording import SERVICE_NAMES
from schemas.connections import Service

__all__ = ["GoogleClient"]

log = logging.getLogger(__name__)

SCOPE = f"openid email {CALENDAR_SCOPES[0]}"


class GoogleClient:
    service = Service.GOOGLE
    name = SERVICE_NAMES[service]
    callback = "/oauth/google/callback"

    def __init__(self, app: GoogleApp, deps: PortalDeps, transport: httpx2.AsyncBaseTransport) -> None:
        self._app = app
        self._deps = deps
        self._transport = transport

    async def authorize_url(self, flow: Flow, asked: AskedFor) -> str:
        prompts = [*(["consent"] if asked.consent else []), *(["select_account"] if asked.choose else [])]
        extra = {"access_type": "offline", "nonce": flow.nonce}
        if prompts:
            extra["prompt"] = " ".join(prompts)
        if asked.hint:
            extra["login_hint"] = asked.hint
        return authorization_url(
            self._app.authorize_url,
            client_id=self._app.client_id,
            redirect_uri=self._deps.url(self.callback),
            scope=SCOPE,
            state=flow.state,
            verifier=flow.verifier,
            **extra,
        )

    async def grant(self, flow: Flow, code: str) -> Granted:
        raw = await exchange(
            self._transport,
            self._app.token_url,
            Registration(client_id=self._app.client_id, fields={"client_secret": self._app.client_secret}),
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
        email = email_of(claims.get("email"))
        if email is None:
            raise Unavailable("the id token has no e-mail address")
        scopes = tuple((answer.scope if answer.scope is not None else SCOPE).split())
        if not set(scopes) & set(CALENDAR_SCOPES):
            raise CalendarNotAllowed(email, answer.refresh_token or answer.access_token)
        if not answer.refresh_token:
            raise NoRefreshToken(email)
        return Granted(email=email, account_id=account_of(claims), scopes=scopes, refresh_token=answer.refresh_token)

    async def give_back(self, token: str) -> None:
        failure = ""
        try:
            request = httpx2.Request("POST", self._app.revoke_url, data={"token": token})
            request.extensions["timeout"] = dict.fromkeys(("connect", "read", "write", "pool"), self._deps.call_timeout.total_seconds())
            answer = await self._transport.handle_async_request(request)
            await answer.aread()
            await answer.aclose()
            failure = "" if answer.status_code == 200 else str(answer.status_code)
        except httpx2.HTTPError as error:
            failure = type(error).__name__
        if failure:
            log.info("a grant without the calendar stays with Google until it is removed there", extra={"answer": failure})
