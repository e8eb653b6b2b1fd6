"""The portal process: the pages of adapters.portal, composed from settings and served by uvicorn."""

import asyncio
import logging
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
import uvloop
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.portal.app import create_portal
from adapters.portal.deps import GoogleApp, MicrosoftApp, OidcSettings, PortalDeps
from adapters.read_model.engine import reading_engine
from adapters.read_model.queries import ReadModelQueries
from adapters.vault.seal import KeyRing
from streams.calendar_services import microsoft_credential
from streams.engine.interpreter import settle
from streams.engine.kafka_clients import connection_options, producer_options
from streams.engine.listening import why_not
from streams.engine.refusal import why_refused
from streams.portal_publisher import KafkaConnectionPublisher
from streams.settings import PortalSettings, SettingError, Settings

__all__ = ["CannotListenError", "oidc_settings", "portal_deps", "run", "serve"]

log = logging.getLogger(__name__)

#: Open pages keep a connection for live changes; a stop does not wait for them longer than this.
_STOP_SECONDS = 3
#: An idle connection is kept for longer than the proxies in front do it (nginx and AWS's load balancers: 60 s): it is theirs to close.
_KEEP_ALIVE_SECONDS = 75
#: For brokers that do not answer, at the start.
_LOOK_SECONDS = 5.0


class CannotListenError(OSError):
    """The portal's address is taken, or is none of this machine's."""


def run(settings: Settings, *, host: str = "127.0.0.1", port: int = 8000) -> None:
    """Blocks until SIGTERM or SIGINT, then returns. Raises SettingError, CannotListenError."""
    settle()  # collections that a page of thousands of classes sets off need not go through what is loaded by now
    uvloop.run(serve(settings, host=host, port=port))


async def serve(settings: Settings, *, host: str, port: int) -> None:
    """The same inside a loop of the caller's."""
    logging.getLogger("uvicorn").setLevel(logging.WARNING)  # its start and stop lines say what ours says
    await _look_at_brokers(settings)
    async with _composed(settings) as deps:
        server = _Server(
            uvicorn.Config(
                create_portal(deps),
                host=host,
                port=port,
                loop="none",
                access_log=False,  # its lines hold whole addresses, and callbacks carry codes in theirs
                log_config=None,
                server_header=False,
                proxy_headers=False,  # every address shown or sent comes from IMPACT_PORTAL_URL
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=_STOP_SECONDS,
            )
        )
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, server.stop)
        await server.serve()


async def _look_at_brokers(settings: Settings) -> None:
    """Raises SettingError when they refuse what a setting says. Pages are shown also while they are away, or have a trouble of theirs."""
    refusal = await why_refused(connection_options(settings.kafka), within=_LOOK_SECONDS)
    if isinstance(refusal, SettingError):
        raise refusal
    if refusal is not None:
        log.error("nobody can connect or disconnect: %s", refusal)


class _Server(uvicorn.Server):
    """Leaves signals to the process: uvicorn's own handling ends by raising the signal again, so a clean stop would look like a kill."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        except SystemExit as end:  # uvicorn logged why
            if not isinstance(end.__context__, OSError):
                raise
            why = why_not(end.__context__)
            raise CannotListenError(f"port {self.config.port} of {self.config.host} cannot be used: {why}") from None
        if self.started:
            log.info("the portal listens", extra={"host": self.config.host, "port": self.config.port})

    def stop(self) -> None:
        self.should_exit = True


@asynccontextmanager
async def _composed(settings: Settings) -> AsyncIterator[PortalDeps]:
    portal = settings.portal.require()
    ring = KeyRing(settings.require_vault_keys())
    publisher = KafkaConnectionPublisher(producer_options(settings.kafka), topic=settings.topics.connections, timeout=settings.call_timeout)
    engine = reading_engine(settings.database_url)
    try:
        yield portal_deps(settings, portal, ring=ring, publisher=publisher, engine=engine)
    finally:
        await publisher.close()
        await engine.dispose()


def portal_deps(
    settings: Settings, portal: PortalSettings, *, ring: KeyRing, publisher: KafkaConnectionPublisher, engine: AsyncEngine
) -> PortalDeps:
    return PortalDeps(
        public_url=portal.url,
        session_keys=portal.session_keys,
        oidc=oidc_settings(portal),
        read_model=ReadModelQueries(engine),
        publisher=publisher,
        ring=ring,
        google=_google(settings),
        microsoft=_microsoft(settings),
        call_timeout=settings.call_timeout,
    )


def oidc_settings(portal: PortalSettings) -> OidcSettings:
    return OidcSettings(
        issuer=portal.oidc_issuer,
        client_id=portal.oidc_client_id,
        client_secret=portal.oidc_client_secret,
        provider_claim=portal.provider_claim,
        roles_claim=portal.roles_claim,
        administrator_roles=portal.administrator_roles,
        name=portal.oidc_name,
        account_url=portal.account_url or None,
    )


def _google(settings: Settings) -> GoogleApp | None:
    if settings.google is None:
        return None
    return GoogleApp(
        authorize_url=settings.google_authorize_url,
        token_url=settings.google_token_url,
        revoke_url=settings.google_revoke_url,
        client_id=settings.google.client_id,
        client_secret=settings.google.client_secret,
    )


def _microsoft(settings: Settings) -> MicrosoftApp | None:
    if settings.microsoft is None:
        return None
    return MicrosoftApp(
        authority=settings.microsoft_authority,
        graph_url=settings.graph_url,
        client_id=settings.microsoft.client_id,
        credential=microsoft_credential(settings.microsoft),
    )
