"""What a sandbox can be told when it starts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

__all__ = ["GOOGLE", "MICROSOFT", "OIDC", "SERVICES", "FederatedCredential", "SandboxClient", "SandboxConfig"]

GOOGLE = "google"
MICROSOFT = "microsoft"
#: Where people sign in to the product; no calendar service.
OIDC = "oidc"
SERVICES = (GOOGLE, MICROSOFT)


@dataclass(frozen=True, kw_only=True)
class FederatedCredential:
    """A workload or managed identity that may speak for the application: its tokens' `issuer` and `subject`, and the key that signs them
    (`public_key`: PEM)."""

    issuer: str
    subject: str
    public_key: str
    audience: str = "api://AzureADTokenExchange"


@dataclass(frozen=True, kw_only=True)
class SandboxClient:
    """An application registered with both services. `certificates`: PEM, of a certificate or of a bare public key; with them, or with
    `federated`, the application can authenticate to Microsoft without its secret."""

    client_id: str = "sandbox-client"
    client_secret: str = field(default="sandbox-secret", repr=False)
    certificates: tuple[str, ...] = ()
    federated: tuple[FederatedCredential, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SandboxConfig:
    """`seed`: of the faults' dice. `journal_size`: requests kept.

    `portal_url`: where the product's pages are; the redirect addresses below it are the registered ones (see `redirects.py`).
    `app_name`, `publisher`, `publisher_verified`: what the consent pages show. `oidc_...`: the client of the sign-in provider.
    `google_user_quota_per_minute`: calendar calls of one user in any 60 s (Google's own default is 600); None = no quota.
    `microsoft_mailbox_concurrency`: Graph's limit per application and mailbox; None = off.
    `microsoft_transaction_race`: Graph's transactionId is no lock (parallel creates with one id made several events in the wild). Graph's
    window is narrow; when this is on, it is as wide as a latency fault.
    `mark_names`: the private properties that say which class an event is for; two standing events with the same ones are a duplicate. Of
    an event that has none of them, all its private properties together count.
    """

    clients: tuple[SandboxClient, ...] = (SandboxClient(),)
    portal_url: str = "http://127.0.0.1:8000"
    app_name: str = "Impact Feedback"
    publisher: str = "Impact Feedback"
    publisher_verified: bool = True
    oidc_client_id: str = "sandbox-portal"
    oidc_client_secret: str = field(default="sandbox-portal-secret", repr=False)
    oidc_code_lifetime: timedelta = timedelta(seconds=60)
    code_lifetime: timedelta = timedelta(minutes=10)
    access_token_lifetime: timedelta = timedelta(hours=1)
    microsoft_refresh_token_lifetime: timedelta = timedelta(days=90)
    google_refresh_tokens_per_account: int = 100
    google_user_quota_per_minute: int | None = None
    microsoft_mailbox_concurrency: int | None = 4
    microsoft_transaction_race: bool = False
    journal_size: int = 200_000
    seed: int = 0
    mark_names: tuple[str, ...] = ("impactKey", "ImpactFeedbackKey")

    def env(self, base_url: str) -> dict[str, str]:
        """The settings that point the product at a sandbox at `base_url`, with the first client."""
        base, client = base_url.rstrip("/"), self.clients[0]
        return {
            "IMPACT_GOOGLE_API_URL": base,
            "IMPACT_GOOGLE_AUTHORIZE_URL": f"{base}/google/authorize",
            "IMPACT_GOOGLE_TOKEN_URL": f"{base}/google/token",
            "IMPACT_GOOGLE_REVOKE_URL": f"{base}/google/revoke",
            "IMPACT_GOOGLE_CLIENT_ID": client.client_id,
            "IMPACT_GOOGLE_CLIENT_SECRET": client.client_secret,
            "IMPACT_GRAPH_URL": f"{base}/v1.0",
            "IMPACT_MICROSOFT_AUTHORITY": f"{base}/common",
            "IMPACT_MICROSOFT_CLIENT_ID": client.client_id,
            "IMPACT_MICROSOFT_CLIENT_SECRET": client.client_secret,
            "IMPACT_OIDC_ISSUER": f"{base}/oidc",
            "IMPACT_OIDC_CLIENT_ID": self.oidc_client_id,
            "IMPACT_OIDC_CLIENT_SECRET": self.oidc_client_secret,
            "IMPACT_PORTAL_URL": self.portal_url.rstrip("/"),
        }

    def secret_of(self, client_id: str) -> str | None:
        """The secret of a registered client, None for an unknown one."""
        return self._secrets.get(client_id)

    def client(self, client_id: str) -> SandboxClient | None:
        return next((client for client in self.clients if client.client_id == client_id), None)

    @property
    def _secrets(self) -> Mapping[str, str]:
        return {client.client_id: client.client_secret for client in self.clients}
