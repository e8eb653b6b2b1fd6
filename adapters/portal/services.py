"""What the endpoints share in one portal process."""

import httpx2
from starlette.requests import Request

from adapters.portal.classes.feed import ChangeFeed
from adapters.portal.connect.approval import Approvals
from adapters.portal.connect.google import GoogleClient
from adapters.portal.connect.grants import ServiceClient
from adapters.portal.connect.microsoft import MicrosoftClient
from adapters.portal.connect.waiting import WaitingCookie
from adapters.portal.deps import PortalDeps
from adapters.portal.signin.issuer import Issuer
from adapters.portal.web.flows import Flows
from adapters.portal.web.once import OnceOnly
from adapters.portal.web.sealing import Sealer

__all__ = ["Services", "services_of"]


class Services:
    """One pool of connections to identity providers and calendar services. Opens nothing before it is used."""

    def __init__(self, deps: PortalDeps) -> None:
        self.deps = deps
        self.sealer = Sealer(deps.session_keys)
        self.ended_sessions = OnceOnly(deps.clock, keep=deps.sessions.absolute)
        self.transport = httpx2.AsyncHTTPTransport(retries=0)
        self.flows = Flows(deps, self.sealer)
        self.issuer = Issuer(deps, self.transport)
        self.class_changes = ChangeFeed(deps.read_model)
        self.approvals = Approvals(deps, self.sealer)
        self.waiting = WaitingCookie(deps, self.sealer)
        #: By the service's value; one that is not configured is absent.
        self.clients: dict[str, ServiceClient] = {}
        if deps.google is not None:
            self.clients["google"] = GoogleClient(deps.google, deps, self.transport)
        if deps.microsoft is not None:
            self.clients["microsoft"] = MicrosoftClient(deps.microsoft, deps, self.transport)

    async def close(self) -> None:
        await self.transport.aclose()
        if self.deps.microsoft is not None:
            await self.deps.microsoft.credential.close()


def services_of(request: Request) -> Services:
    services: Services = request.app.state.services
    return services
