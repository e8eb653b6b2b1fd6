"""What EXTERNAL shows: the connection as the read model has it, and what this person just did that the read model has not heard of yet."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

import msgspec

from adapters.portal.web.sessions import Awaited
from adapters.read_model.views import CalendarSummary, ConnectionView
from adapters.wording import SERVICE_NAMES
from schemas.connections import ConnectionState, Service

__all__ = ["ExternalView", "Shown", "external_view", "is_settled", "reason_words"]

#: After so long a page stops promising that it will be a moment.
SLOW_AFTER = timedelta(seconds=30)
#: What was published stands in the topic; a session does not need to remember it for longer.
FORGET_AFTER = timedelta(hours=6)


class Shown(Enum):
    NOT_CONNECTED = "not_connected"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    NEEDS_RECONNECT = "needs_reconnect"
    DISCONNECTING = "disconnecting"


@dataclass(frozen=True, kw_only=True)
class ExternalView:
    """`slow`: it takes longer than it should. `removing_from`: how many classes stood when their removal began, 0 when nobody counted.

    `version` changes whenever anything shown does, times in words excepted.
    """

    shown: Shown
    summary: CalendarSummary
    service: Service | None = None
    email: str = ""
    connected_at: datetime | None = None
    grant_id: str = ""
    reason: str = ""
    slow: bool = False
    removing: bool = False
    removing_from: int = 0
    approval: str = ""
    #: It rests on what the session remembers, since the read model has not heard of it yet.
    awaiting: bool = False

    @property
    def name(self) -> str:
        return SERVICE_NAMES[self.service] if self.service else ""

    @property
    def settled(self) -> bool:
        return self.shown not in (Shown.CONNECTING, Shown.DISCONNECTING)

    @property
    def version(self) -> str:
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()[:16]


def is_settled(awaited: Awaited, connection: ConnectionView | None, now: datetime) -> bool:
    """Whether the read model has caught up with what was awaited, or something newer came."""
    if now - awaited.since > FORGET_AFTER:
        return True
    if connection is None:
        return False
    if connection.grant_id != awaited.grant_id:
        return connection.connected_at > awaited.since
    return awaited.what == "connecting" or connection.state is ConnectionState.DISCONNECTED


def external_view(
    connection: ConnectionView | None, summary: CalendarSummary, awaited: Awaited | None, now: datetime, *, approval: str = ""
) -> ExternalView:
    """`awaited`: only while it is not settled. `approval`: see connect.asking.approval_of."""
    if awaited is not None:
        return _awaiting(awaited, connection, summary, now, approval)
    if connection is None or connection.state is ConnectionState.DISCONNECTED:
        return ExternalView(shown=Shown.NOT_CONNECTED, summary=summary, approval=approval)
    shown = {
        ConnectionState.CONNECTED: Shown.CONNECTED,
        ConnectionState.NEEDS_RECONNECT: Shown.NEEDS_RECONNECT,
        ConnectionState.DISCONNECTING: Shown.DISCONNECTING,
    }[connection.state]
    return ExternalView(
        shown=shown,
        summary=summary,
        service=connection.service,
        email=connection.email,
        connected_at=connection.connected_at,
        grant_id=connection.grant_id,
        reason=reason_words(connection) if shown is Shown.NEEDS_RECONNECT else "",
        removing=shown is Shown.DISCONNECTING,
        approval=approval,
    )


def _awaiting(awaited: Awaited, connection: ConnectionView | None, summary: CalendarSummary, now: datetime, approval: str) -> ExternalView:
    connecting = awaited.what == "connecting"
    return ExternalView(
        shown=Shown.CONNECTING if connecting else Shown.DISCONNECTING,
        summary=summary,
        service=Service(awaited.service),
        email=awaited.email,
        grant_id=awaited.grant_id,
        slow=now - awaited.since > SLOW_AFTER,
        removing=awaited.what == "removing",
        removing_from=awaited.standing,
        approval=approval,
        awaiting=True,
    )


_REASONS = {
    "calendar_scope_missing": "The permission for your calendar was taken away.",
    "consent_required": "Your organization's administrator has to allow Impact Feedback again.",
    "interaction_required": "{name} wants you to sign in again, because your organization's sign-in rules changed.",
    "login_required": "{name} wants you to sign in again.",
    "access_denied": "{name} no longer lets us reach your calendar.",
}
_USUAL = "{name} ended our access: it was removed in your account, your password changed, or it was not used for a long time."


def reason_words(connection: ConnectionView) -> str:
    """Why a connection needs reconnecting, for a person."""
    return _REASONS.get(connection.reason or "", _USUAL).format(name=SERVICE_NAMES[connection.service])
