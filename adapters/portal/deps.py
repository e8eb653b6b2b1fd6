"""What the portal is made of: plain settings and ports, so that tests hand in fakes and this package knows no environment variable."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from adapters.microsoft.client_credential import ClientCredential
from adapters.portal.ports import ConnectionPublisher, ReadModel
from adapters.vault.seal import KeyRing

__all__ = ["GoogleApp", "MicrosoftApp", "OidcSettings", "PortalDeps", "SessionPolicy"]


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class OidcSettings:
    """The identity provider that people sign in with. `provider_claim`, `roles_claim`: names of claims in the id token.

    Whoever has one of `administrator_roles` sees every provider's classes and the administration pages.
    """

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    provider_claim: str
    roles_claim: str
    administrator_roles: frozenset[str]
    #: How External Accounts calls it.
    name: str
    #: Where people change their name, password and second factor; None: the issuer's own address.
    account_url: str | None = None


@dataclass(frozen=True, kw_only=True)
class GoogleApp:
    """Google's OAuth2 addresses and this application's registration there."""

    authorize_url: str
    token_url: str
    revoke_url: str
    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class MicrosoftApp:
    """`authority` names the tenant too: `https://login.microsoftonline.com/common`. `graph_url`: `https://graph.microsoft.com/v1.0`."""

    authority: str
    graph_url: str
    client_id: str
    credential: ClientCredential = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class SessionPolicy:
    """`idle`: a session ends so long after its last page. `absolute`: and so long after sign-in at the latest.

    `renew`: how often a session in use gets a fresh cookie.
    """

    idle: timedelta = timedelta(hours=1)
    absolute: timedelta = timedelta(hours=12)
    renew: timedelta = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class PortalDeps:
    """`public_url`: the address users see, no slash at its end. `session_keys`: 32 bytes each; the first seals, all open.

    A calendar service that is None cannot be connected here.
    """

    public_url: str
    session_keys: tuple[bytes, ...] = field(repr=False)
    oidc: OidcSettings
    read_model: ReadModel
    publisher: ConnectionPublisher
    ring: KeyRing
    google: GoogleApp | None = None
    microsoft: MicrosoftApp | None = None
    clock: Callable[[], datetime] = _utc_now
    sessions: SessionPolicy = SessionPolicy()
    #: How long an answer of an identity provider or calendar service is waited for.
    call_timeout: timedelta = timedelta(seconds=10)

    @property
    def secure(self) -> bool:
        """Whether cookies are for https only; plain http is for loopback."""
        return urlsplit(self.public_url).scheme == "https"

    def url(self, path: str) -> str:
        """An absolute address of this portal: for redirect URIs, which have to match exactly what is registered."""
        return self.public_url + path
