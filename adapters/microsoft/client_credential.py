"""How this application proves itself to Microsoft's token endpoint: by a secret, a certificate, or without any secret of its own.

Sources: RFC 6749 section 2.3.1, RFC 7523 section 2.2, and the Microsoft identity platform's pages on certificate credentials and on
federated identity credentials.
"""

import asyncio
import base64
import hashlib
import json
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from adapters.errors import CalendarError, Misconfigured, ServiceFailing
from schemas.connections import Service

__all__ = ["CertificateCredential", "ClientCredential", "ManagedIdentity", "SecretCredential", "WorkloadIdentity"]

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
#: The audience that federated identity credentials are made for.
_EXCHANGE_SCOPE = "api://AzureADTokenExchange/.default"
_ASSERTION_SECONDS = 300


class ClientCredential(Protocol):
    """No repr or error of an implementation holds a secret."""

    async def form(self, token_url: str) -> dict[str, str]:
        """The form fields that authenticate the client in one request to `token_url`, `client_id` not among them.

        Raises Misconfigured: an operator has to act.
        """

    async def close(self) -> None:
        """Idempotent."""


class SecretCredential:
    def __init__(self, client_secret: str) -> None:
        self._fields = {"client_secret": client_secret}

    async def form(self, token_url: str) -> dict[str, str]:
        return dict(self._fields)

    async def close(self) -> None:
        """Nothing is held."""


class CertificateCredential:
    """An assertion signed with the certificate's key (PS256), fresh for each request. The PEM file holds both, the key not encrypted."""

    def __init__(self, pem: bytes, *, client_id: str, clock: Callable[[], float] = time.time) -> None:
        """Raises ValueError when there is no certificate or no RSA key in `pem`, or they do not belong together."""
        certificate = x509.load_pem_x509_certificate(pem)
        key = serialization.load_pem_private_key(pem, password=None)
        if not isinstance(key, rsa.RSAPrivateKey) or certificate.public_key() != key.public_key():
            raise ValueError("the certificate and an RSA key that belongs to it have to be in the file")
        self._key = key
        self._client_id = client_id
        self._clock = clock
        self._thumbprint = _text(hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).digest())

    async def form(self, token_url: str) -> dict[str, str]:
        now = int(self._clock())
        header = {"alg": "PS256", "typ": "JWT", "x5t#S256": self._thumbprint}
        claims = {
            "aud": token_url,
            "iss": self._client_id,
            "sub": self._client_id,
            "jti": str(uuid.uuid4()),
            "nbf": now,
            "iat": now,
            "exp": now + _ASSERTION_SECONDS,
        }
        signed = ".".join(_text(json.dumps(part).encode()) for part in (header, claims))
        signature = self._key.sign(
            signed.encode(), padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=padding.PSS.DIGEST_LENGTH), hashes.SHA256()
        )
        return _assertion(f"{signed}.{_text(signature)}")

    async def close(self) -> None:
        """Nothing is held."""


class ManagedIdentity:
    """The identity of the machine or container, which the application registration trusts as a federated credential. No secret anywhere.

    `identity_client_id`: of a user-assigned identity; None takes the system-assigned one.
    """

    def __init__(self, identity_client_id: str | None = None) -> None:
        from azure.identity.aio import ManagedIdentityCredential  # here, since it takes long to load and few deployments use it

        self._credential = ManagedIdentityCredential(client_id=identity_client_id)

    async def form(self, token_url: str) -> dict[str, str]:
        from azure.core.exceptions import AzureError, ClientAuthenticationError

        failure: CalendarError
        try:
            token = await self._credential.get_token(_EXCHANGE_SCOPE)  # cached by the library until near its end
        except ClientAuthenticationError as error:  # CredentialUnavailableError is one
            failure = Misconfigured(Service.MICROSOFT, "managed_identity_unavailable", detail=type(error).__name__)
        except AzureError as error:  # the endpoint did not answer, or not in a way that the library knows
            failure = ServiceFailing(Service.MICROSOFT, "managed_identity_failing", detail=type(error).__name__)
        else:
            return _assertion(token.token)
        raise failure

    async def close(self) -> None:
        await self._credential.close()


class WorkloadIdentity:
    """The token that Kubernetes projects into the pod and renews there; the application registration trusts its issuer and subject."""

    def __init__(self, token_file: Path) -> None:
        self._file = token_file

    async def form(self, token_url: str) -> dict[str, str]:
        try:
            return _assertion((await asyncio.to_thread(self._file.read_text)).strip())
        except OSError as error:
            detail = type(error).__name__
        raise Misconfigured(Service.MICROSOFT, "workload_identity_unavailable", detail=detail)

    async def close(self) -> None:
        """Nothing is held."""


def _assertion(token: str) -> dict[str, str]:
    return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": token}


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
