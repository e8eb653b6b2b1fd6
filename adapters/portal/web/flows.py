"""An authorization under way: what this portal has to remember between sending a browser out and its coming back.

Each flow has a cookie of its own (named by its state, sent to its callback only, minutes long), so that two tabs do not disturb each other;
its state works once, and only in the browser and session that started it.
"""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from adapters.portal.deps import PortalDeps
from adapters.portal.web.cookies import cookie_header
from adapters.portal.web.once import OnceOnly
from adapters.portal.web.sealing import Sealer

__all__ = ["LIFETIME", "Flow", "FlowRefused", "Flows", "new_flow"]

#: Signing in with a second factor, or reading a consent page, takes minutes; codes live about ten.
LIFETIME = timedelta(minutes=10)


class Flow(msgspec.Struct, frozen=True, kw_only=True):
    """`kind`: sign-in or the service. `sid`: of the session that started it, empty for sign-in. `next`: where sign-in goes on."""

    kind: str
    state: str
    nonce: str
    verifier: str
    started_at: datetime
    sid: str = ""
    next: str = ""
    #: Google was asked to show its consent page, so an answer without a refresh token is final.
    consent_asked: bool = False
    #: Without a page: only whether consent is there.
    silent: bool = False

    def __repr__(self) -> str:
        return f"Flow({self.kind!r})"


def new_flow(kind: str, now: datetime, *, sid: str = "", next: str = "", consent_asked: bool = False, silent: bool = False) -> Flow:
    return Flow(
        kind=kind,
        state=secrets.token_urlsafe(24),
        nonce=secrets.token_urlsafe(24),
        verifier=secrets.token_urlsafe(48),  # 64 characters; RFC 7636 section 4.1 asks for 43 to 128
        started_at=now,
        sid=sid,
        next=next,
        consent_asked=consent_asked,
        silent=silent,
    )


class FlowRefused(Exception):
    """`why`: `unknown` (no cookie of it here: another browser, or long ago), `expired`, `used`, or `session` (another one started it)."""

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(why)


class Flows:
    def __init__(self, deps: PortalDeps, sealer: Sealer) -> None:
        self._secure = deps.secure
        self._clock = deps.clock
        self._sealer = sealer
        self._used = OnceOnly(deps.clock, keep=LIFETIME)

    def begin(self, flow: Flow, answer: Response, *, path: str) -> None:
        """Put the flow's cookie on the answer that sends the browser out. `path`: of the callback."""
        text = self._sealer.seal(flow, purpose=_purpose(flow.kind))
        answer.headers.append("set-cookie", cookie_header(self._name(flow.state), text, secure=self._secure, max_age=LIFETIME, path=path))

    def finish(self, request: Request, kind: str, *, sid: str = "") -> Flow:
        """The flow that this callback belongs to, used up by this. Raises FlowRefused."""
        state = request.query_params.get("state", "")
        text = request.cookies.get(self._name(state), "")
        flow = self._sealer.open(text, Flow, purpose=_purpose(kind)) if state and text else None
        if flow is None or not hmac.compare_digest(flow.state.encode(), state.encode("utf-8", "replace")):
            raise FlowRefused("used" if self._used.is_used(state) else "unknown")
        if not hmac.compare_digest(flow.sid, sid):
            raise FlowRefused("session")
        if self._clock() - flow.started_at > LIFETIME:
            raise FlowRefused("expired")
        if not self._used.use(state):
            raise FlowRefused("used")
        return flow

    def forget(self, request: Request, answer: Response, *, path: str) -> None:
        """Take the cookie of this callback's flow away."""
        name = self._name(request.query_params.get("state", ""))
        if name in request.cookies:
            answer.headers.append("set-cookie", cookie_header(name, "", secure=self._secure, max_age=timedelta(0), path=path))

    def _name(self, state: str) -> str:
        """A digest: a state from an address may hold anything."""
        digest = hashlib.sha256(state.encode("utf-8", "replace")).hexdigest()[:12]
        return f"{'__Secure-' if self._secure else ''}impact_flow_{digest}"


def _purpose(kind: str) -> str:
    return f"flow:{kind}"
