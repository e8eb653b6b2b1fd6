"""The access token as an azure-core credential, and the SDK's guard that lets it go to the configured host only."""

from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from azure.core.credentials import AccessToken
from kiota_authentication_azure.azure_identity_access_token_provider import AzureIdentityAccessTokenProvider

from adapters.errors import Misconfigured
from schemas.connections import Service
from schemas.loopback import is_loopback

__all__ = ["GrantedToken", "TokenGuard"]

#: What the SDK would ask a credential for; ours has its token already.
_SCOPES = ["https://graph.microsoft.com/.default"]


class GrantedToken:
    """An azure-core AsyncTokenCredential over an access token that was refreshed elsewhere; it never fetches one."""

    __slots__ = ("_token",)

    def __init__(self, access_token: str) -> None:
        self._token = access_token

    async def get_token(
        self, *scopes: str, claims: str | None = None, tenant_id: str | None = None, enable_cae: bool = False, **kwargs: Any
    ) -> AccessToken:
        """AccessToken and no other type: the SDK takes anything else for an empty token. It does not look at the expiry."""
        return AccessToken(self._token, 0)

    async def close(self) -> None:
        """Nothing is held."""

    async def __aenter__(self) -> "GrantedToken":
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.close()


class TokenGuard:
    """Gives the Authorization header of a request to `graph_url`, and to no other host.

    Raises ValueError for an address to which the SDK would not send a token.
    """

    def __init__(self, graph_url: str) -> None:
        parts = urlsplit(graph_url)
        if not parts.hostname or parts.scheme not in ("http", "https"):
            raise ValueError("the address of Microsoft Graph has to be absolute: https://host/v1.0")
        if parts.scheme == "http" and not is_loopback(parts.hostname):
            raise ValueError("plain http to Microsoft Graph is possible for loopback addresses only")
        self._hosts = [parts.hostname]  # an empty list would allow every host
        self._plain = parts.scheme == "http"

    async def authorization(self, url: str, access_token: str) -> str:
        """`Bearer ...`. Raises Misconfigured for an address at another host, instead of sending a request without a token."""
        provider = AzureIdentityAccessTokenProvider(GrantedToken(access_token), None, scopes=_SCOPES, allowed_hosts=self._hosts)
        parts = urlsplit(url)
        if parts.scheme == "http" and self._plain:  # of the loopback addresses the SDK knows three: that this is one was seen above
            parts = parts._replace(scheme="https")
        # Asked about plain http it raises an error of its own.
        token = await provider.get_authorization_token(parts.geturl()) if parts.scheme == "https" else ""
        if not token:
            raise Misconfigured(Service.MICROSOFT, "token_withheld", detail="empty, or the request is for another host or not by https")
        return f"Bearer {token}"
