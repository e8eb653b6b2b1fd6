"""Sessions: who is signed in, in a sealed cookie, and the middleware that reads and renews it.

Nothing is stored on the server, so any portal process serves any request. A session gets a new id at every sign-in (so that an id planted
before is worth nothing), a fresh cookie while it is used, and ends when idle or old. Signing out tells this process to refuse the id from
then on, in case somebody kept a copy of the cookie; other processes refuse it once it is idle or old.
"""

import secrets
from datetime import datetime, timedelta

import msgspec
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adapters.portal.deps import PortalDeps
from adapters.portal.web.cookies import cookie_header
from adapters.portal.web.once import OnceOnly
from adapters.portal.web.sealing import Sealer

__all__ = ["BACKGROUND", "Awaited", "Session", "SessionBox", "SessionMiddleware", "box_of", "new_session", "session_of"]

_PURPOSE = "session"
#: Pages ask under this prefix by themselves; that keeps nobody signed in.
BACKGROUND = "/live/"


class Awaited(msgspec.Struct, frozen=True, kw_only=True):
    """Published for this person, and perhaps not in the read model yet. `what`: `connecting`, `disconnecting` or `removing`.

    `standing`: classes on the calendar when removing began.
    """

    what: str
    grant_id: str
    service: str
    email: str
    since: datetime
    standing: int = 0


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One person signed in. `csrf` stands in every form. `notice`: what the next page says once."""

    sid: str
    provider_id: str
    user_id: str
    name: str
    administrator: bool
    csrf: str
    signed_in_at: datetime
    seen_at: datetime
    awaited: Awaited | None = None
    notice: str | None = None

    def __repr__(self) -> str:
        return f"Session(provider_id={self.provider_id!r})"


def new_session(*, provider_id: str, user_id: str, name: str, administrator: bool, now: datetime) -> Session:
    """A new id and a new CSRF token, whatever the browser brought."""
    return Session(
        sid=secrets.token_urlsafe(24),
        provider_id=provider_id,
        user_id=user_id,
        name=name,
        administrator=administrator,
        csrf=secrets.token_urlsafe(24),
        signed_in_at=now,
        seen_at=now,
    )


class SessionBox:
    """The session of one request; endpoints change it here, and the answer carries the new cookie."""

    def __init__(self, session: Session | None) -> None:
        self.session = session
        self._was = session

    @property
    def changed(self) -> bool:
        return self.session is not self._was

    def change(self, **fields: object) -> None:
        """Raises ValueError when nobody is signed in."""
        if self.session is None:
            raise ValueError("nobody is signed in")
        self.session = msgspec.structs.replace(self.session, **fields)


def box_of(connection: HTTPConnection) -> SessionBox:
    box: SessionBox = connection.scope["session_box"]
    return box


def session_of(connection: HTTPConnection) -> Session | None:
    return box_of(connection).session


class SessionMiddleware:
    """`ended`: ids of sessions that were signed out."""

    def __init__(self, app: ASGIApp, deps: PortalDeps, sealer: Sealer, ended: OnceOnly) -> None:
        self.app = app
        self._policy = deps.sessions
        self._clock = deps.clock
        self._secure = deps.secure
        self._sealer = sealer
        self._ended = ended
        self.cookie = "__Host-impact_session" if deps.secure else "impact_session"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        brought = HTTPConnection(scope).cookies.get(self.cookie)
        box = scope["session_box"] = SessionBox(self._read(brought))
        if box.session is not None and not scope["path"].startswith(BACKGROUND) and self._is_due(box.session):
            box.change(seen_at=self._clock())

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._write(box, brought, MutableHeaders(scope=message))
            await send(message)

        await self.app(scope, receive, send_with_cookie)

    def _read(self, text: str | None) -> Session | None:
        session = self._sealer.open(text, Session, purpose=_PURPOSE) if text else None
        if session is None or self._ended.is_used(session.sid):
            return None
        now = self._clock()
        alive = now - session.seen_at < self._policy.idle and now - session.signed_in_at < self._policy.absolute
        return session if alive else None

    def _is_due(self, session: Session) -> bool:
        return self._clock() - session.seen_at >= self._policy.renew

    def _write(self, box: SessionBox, brought: str | None, headers: MutableHeaders) -> None:
        if box.session is None:
            if brought is not None:
                headers.append("set-cookie", cookie_header(self.cookie, "", secure=self._secure, max_age=timedelta(0)))
        elif box.changed:
            text = self._sealer.seal(box.session, purpose=_PURPOSE)
            headers.append("set-cookie", cookie_header(self.cookie, text, secure=self._secure, max_age=self._policy.absolute))
