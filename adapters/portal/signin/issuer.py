"""The identity provider: discovery, the sign-in address, and id tokens verified against its keys (OpenID Connect Core 1.0 section 3.1)."""

import asyncio
from datetime import datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

import httpx2
import msgspec
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from adapters.portal.deps import PortalDeps
from adapters.portal.web.flows import Flow
from adapters.portal.web.oauth import Registration, Unavailable, authorization_url, exchange

__all__ = ["Issuer", "NotProven"]

SCOPE = "openid email profile"
#: Signatures with a key pair only: an id token "signed" with a shared secret, or not at all, proves nothing here.
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
_KEEP = timedelta(hours=12)
#: Unknown keys make us ask again, but not for every forged token.
_ASK_AGAIN_AFTER = timedelta(seconds=30)
_LEEWAY_SECONDS = 60
_MOST_BYTES = 512 * 1024


class NotProven(Exception):
    """The id token does not prove who this is: signature, issuer, audience, time or nonce. Says which, nothing of the token."""


_Url = Annotated[str, msgspec.Meta(pattern=r"^https?://\S+$")]


class _Metadata(msgspec.Struct, frozen=True):
    """OpenID Connect Discovery 1.0 section 3; RP-Initiated Logout 1.0 section 2.1."""

    issuer: str
    authorization_endpoint: _Url
    token_endpoint: _Url
    jwks_uri: _Url
    end_session_endpoint: _Url | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)


class Issuer:
    """Discovered at the first use and kept; one discovery for all who wait."""

    def __init__(self, deps: PortalDeps, transport: httpx2.AsyncBaseTransport) -> None:
        self._deps = deps
        self._settings = deps.oidc
        self._transport = transport
        self._lock = asyncio.Lock()
        self._metadata: tuple[datetime, _Metadata] | None = None
        self._keys: tuple[datetime, KeySet] | None = None

    @property
    def redirect_uri(self) -> str:
        return self._deps.url("/signin/callback")

    async def signin_url(self, flow: Flow) -> str:
        """Raises Unavailable."""
        metadata = await self._discover()
        return authorization_url(
            metadata.authorization_endpoint,
            client_id=self._settings.client_id,
            redirect_uri=self.redirect_uri,
            scope=SCOPE,
            state=flow.state,
            verifier=flow.verifier,
            nonce=flow.nonce,
        )

    async def signout_url(self) -> str | None:
        """Where the browser signs out at the issuer and comes back from; None where the issuer has no such address. Raises Unavailable.

        `logout_uri` is Cognito's own name for `post_logout_redirect_uri`.
        """
        metadata = await self._discover()
        if metadata.end_session_endpoint is None:
            return None
        back = self._deps.url("/signed-out")
        query = urlencode({"client_id": self._settings.client_id, "post_logout_redirect_uri": back, "logout_uri": back})
        return f"{metadata.end_session_endpoint}{'&' if '?' in metadata.end_session_endpoint else '?'}{query}"

    async def claims(self, flow: Flow, code: str) -> dict[str, Any]:
        """The verified claims of who signed in. Raises Refused, Unavailable or NotProven."""
        metadata = await self._discover()
        answer = await exchange(
            self._transport,
            metadata.token_endpoint,
            Registration(
                client_id=self._settings.client_id,
                fields={"client_secret": self._settings.client_secret},
                basic="client_secret_basic" in metadata.token_endpoint_auth_methods_supported,
            ),
            code=code,
            verifier=flow.verifier,
            redirect_uri=self.redirect_uri,
            timeout=self._deps.call_timeout.total_seconds(),
        )
        return await self._verified(answer, flow, metadata)

    async def _verified(self, answer: dict[str, Any], flow: Flow, metadata: _Metadata) -> dict[str, Any]:
        text = answer.get("id_token")
        if not isinstance(text, str):
            raise NotProven("no id token")
        token = _decode(text, await self._key_set(metadata)) or _decode(text, await self._key_set(metadata, again=True))
        if token is None:
            raise NotProven("the signature is not the issuer's")
        claims = CodeIDToken(
            token.claims,
            token.header,
            {
                "iss": {"essential": True, "value": metadata.issuer},
                "aud": {"essential": True, "value": self._settings.client_id},
                "exp": {"essential": True},
                "nonce": {"essential": True, "value": flow.nonce},
            },
            {"nonce": flow.nonce, "client_id": self._settings.client_id, "access_token": answer.get("access_token")},
        )
        problem = ""
        try:
            claims.validate(now=int(self._deps.clock().timestamp()), leeway=_LEEWAY_SECONDS)
        except JoseError as error:
            problem = str(error.error)
        if problem:
            raise NotProven(problem)
        return dict(claims)

    async def _discover(self) -> _Metadata:
        async with self._lock:
            now = self._deps.clock()
            if self._metadata is None or now - self._metadata[0] > _KEEP:
                found = await self._get(f"{self._settings.issuer.rstrip('/')}/.well-known/openid-configuration", _Metadata)
                if found.issuer.rstrip("/") != self._settings.issuer.rstrip("/"):
                    raise Unavailable("the discovery document is another issuer's")
                self._metadata = (now, found)
            return self._metadata[1]

    async def _key_set(self, metadata: _Metadata, *, again: bool = False) -> KeySet:
        async with self._lock:
            now = self._deps.clock()
            age = now - self._keys[0] if self._keys else None
            if age is None or age > (_ASK_AGAIN_AFTER if again else _KEEP):
                document: dict[str, Any] = await self._get(metadata.jwks_uri, dict)
                self._keys = (now, _key_set(document))
            assert self._keys is not None  # noqa: S101 - set above
            return self._keys[1]

    async def _get(self, url: str, shape: Any) -> Any:
        try:
            async with httpx2.AsyncClient(
                transport=_Shared(self._transport), timeout=self._deps.call_timeout.total_seconds(), trust_env=False
            ) as client:
                answer = await client.get(url, headers={"accept": "application/json"})
            if answer.status_code != 200 or len(answer.content) > _MOST_BYTES:
                raise Unavailable(f"{url} answers {answer.status_code}")
            return msgspec.json.decode(answer.content, type=shape)
        except (httpx2.HTTPError, msgspec.DecodeError) as error:
            raise Unavailable(f"{url}: {type(error).__name__}") from error


class _Shared(httpx2.AsyncBaseTransport):
    """A transport that outlives the client that is closed."""

    def __init__(self, transport: httpx2.AsyncBaseTransport) -> None:
        self._transport = transport

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        return await self._transport.handle_async_request(request)


def _decode(text: str, keys: KeySet) -> jwt.Token | None:
    try:
        return jwt.decode(text, keys, algorithms=_ALGORITHMS)
    except (JoseError, ValueError):
        return None


def _key_set(document: dict[str, Any]) -> KeySet:
    try:
        return KeySet.import_key_set(document)  # type: ignore[arg-type]
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise Unavailable(f"the issuer's keys cannot be read: {type(error).__name__}") from None
