"""Administrator approval at Microsoft: the admin-consent link, its validation, and who waits for it.

Source: the Microsoft identity platform's page on admin consent. Errors come back with `admin_consent=True` as well, and `tenant` is only
what an address says: it authorizes nothing here.
"""

import re
import secrets
from datetime import datetime, timedelta
from urllib.parse import quote, urlencode

import msgspec

from adapters.portal.connect.microsoft import admin_consent_base
from adapters.portal.deps import MicrosoftApp, PortalDeps
from adapters.portal.web.once import OnceOnly
from adapters.portal.web.sealing import Sealer

__all__ = ["ANY_ORGANIZATION", "CALLBACK", "LINK_LIFETIME", "PERMISSIONS", "Approvals", "Ticket", "consent_link", "valid_tenant"]

CALLBACK = "/admin-consent/callback"
#: A link that was mailed to an administrator works for so long.
LINK_LIFETIME = timedelta(days=30)
_PURPOSE = "approval"
#: Any organization's administrator; each approves for their own.
ANY_ORGANIZATION = "organizations"

#: Permission, Microsoft's words for it, why it is asked. Both delegated: they act for the person who connects and nobody else.
PERMISSIONS = (
    (
        "Calendars.ReadWrite",
        "Have full access to user calendars",
        "To put booked classes on the calendar of the provider who connects, move them when they change, and take them off again.",
    ),
    (
        "User.Read",
        "Sign in and read user profile",
        "To show the provider which account is connected: we read the e-mail address and nothing else.",
    ),
)

_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DOMAIN = re.compile(r"(?=.{4,253}$)([a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?\.)+[a-zA-Z]{2,63}")


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """What the link's state says, sealed. `id`: what the waiting browser knows; nobody's when an administrator made the link."""

    id: str
    made_at: datetime


def valid_tenant(text: str) -> str | None:
    """A tenant id or a verified domain, in lower case; None for anything else, `common` and its like included."""
    tenant = text.strip()
    return tenant.lower() if _GUID.fullmatch(tenant) or _DOMAIN.fullmatch(tenant) else None


def consent_link(app: MicrosoftApp, deps: PortalDeps, *, tenant: str, state: str) -> str:
    query = urlencode({"client_id": app.client_id, "redirect_uri": deps.url(CALLBACK), "state": state})
    return f"{admin_consent_base(app.authority)}/{quote(tenant, safe='')}/adminconsent?{query}"


class Approvals:
    """Tickets out, and which of them came back approved to this process, which makes their waiting providers know at once.

    Nothing rests on that memory: at other processes, and after a restart, they learn it from Microsoft (connect.asking).
    """

    def __init__(self, deps: PortalDeps, sealer: Sealer) -> None:
        self._clock = deps.clock
        self._sealer = sealer
        self._given = OnceOnly(deps.clock, keep=LINK_LIFETIME)

    def ticket(self) -> Ticket:
        """A new one."""
        return Ticket(id=secrets.token_urlsafe(12), made_at=self._clock())

    def state(self, ticket: Ticket) -> str:
        return self._sealer.seal(ticket, purpose=_PURPOSE)

    def read(self, state: str) -> Ticket | None:
        """None for a state that was not made here, or too long ago."""
        ticket = self._sealer.open(state, Ticket, purpose=_PURPOSE) if state else None
        return ticket if ticket is not None and self._clock() - ticket.made_at <= LINK_LIFETIME else None

    def give(self, ticket: Ticket) -> None:
        self._given.use(ticket.id)

    def is_given(self, ticket_id: str) -> bool:
        return self._given.is_used(ticket_id)
