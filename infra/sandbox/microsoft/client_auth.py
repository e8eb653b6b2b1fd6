"""How an application proves itself at the token endpoint: a secret, or an assertion signed by its certificate or by a federated identity.

Sources: RFC 7521 and 7523; learn.microsoft.com/entra/identity-platform/certificate-credentials (claims, `x5t`, `x5t#S256`) and
.../entra/workload-id/workload-identity-federation (issuer, subject, audience).
"""

import base64
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import jwt
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.types import Options

from infra.sandbox.basic_auth import client_of
from infra.sandbox.config import SandboxClient
from infra.sandbox.microsoft.aadsts import refuse
from infra.sandbox.world import World

__all__ = ["authenticate"]

_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_SKEW_SECONDS = 300
#: Times go by the sandbox's clock, and each kind of assertion has an audience of its own.
_CHECKED_HERE: Options = {"verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_aud": False}
_UNVERIFIED: Options = {**_CHECKED_HERE, "verify_signature": False}


def authenticate(world: World, request: web.Request, fields: Mapping[str, str]) -> str:
    """The client's id. Raises Refusal."""
    assertion = fields.get("client_assertion")
    client_id, secret = client_of(request.headers.get("Authorization"), fields)
    if assertion and not client_id:
        client_id = str(_unverified(assertion).get("sub", ""))
    client = world.config.client(client_id)
    if client is None:
        raise refuse(400, "unauthorized_client", 700016, "Application was not found in the directory.")
    if not assertion:
        if not secret:
            text = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."
            raise refuse(401, "invalid_client", 7000218, text)
        if secret != client.client_secret:
            raise refuse(401, "invalid_client", 7000215, "Invalid client secret provided.")
        return client_id
    if secret or fields.get("client_assertion_type") != _ASSERTION_TYPE:
        raise refuse(400, "invalid_request", 900144, "client_assertion comes with its client_assertion_type, and without a secret.")
    _check_assertion(client, assertion, request, world.clock.now())
    return client_id


def _check_assertion(client: SandboxClient, assertion: str, request: web.Request, now: datetime) -> None:
    claims = _unverified(assertion)
    if claims.get("iss") == client.client_id:
        _check_certificate(client, assertion, claims, request)
    else:
        _check_federated(client, assertion, claims)
    expires, begins = claims.get("exp"), claims.get("nbf", 0)
    if not isinstance(expires, int) or not isinstance(begins, int):
        raise refuse(401, "invalid_client", 50027, "JWT token is invalid or malformed.")
    if not begins - _SKEW_SECONDS <= now.timestamp() < expires + _SKEW_SECONDS:
        raise refuse(401, "invalid_client", 700024, "Client assertion is not within its valid time range.")


def _check_certificate(client: SandboxClient, assertion: str, claims: Mapping[str, Any], request: web.Request) -> None:
    header = jwt.get_unverified_header(assertion)
    keys = [key for key, prints in map(_read_key, client.certificates) if _names(header, prints)]
    if not any(_is_signed(assertion, key, ("RS256", "PS256")) for key in keys):
        raise refuse(401, "invalid_client", 700027, "Client assertion contains an invalid signature.")
    if claims.get("sub") != client.client_id or not claims.get("jti"):
        raise refuse(401, "invalid_client", 700021, "Client assertion application identifier doesn't match 'client_id' parameter.")
    address = f"{request.url.origin()}{request.path}"
    if claims.get("aud") not in (address, address.replace("/oauth2/v2.0/token", "/v2.0")):
        raise refuse(401, "invalid_client", 700023, "Client assertion audience claim does not match Realm issuer.")


def _check_federated(client: SandboxClient, assertion: str, claims: Mapping[str, Any]) -> None:
    by_issuer = [known for known in client.federated if known.issuer == claims.get("iss")]
    if not by_issuer:
        raise refuse(401, "invalid_client", 700211, "No matching federated identity record found for presented assertion issuer.")
    known = next((known for known in by_issuer if known.subject == claims.get("sub")), None)
    if known is None:
        raise refuse(401, "invalid_client", 700213, "No matching federated identity record found for presented assertion subject.")
    if claims.get("aud") != known.audience:
        raise refuse(401, "invalid_client", 700212, "No matching federated identity record found for presented assertion audience.")
    if not _is_signed(assertion, _read_key(known.public_key)[0], ("RS256",)):
        raise refuse(401, "invalid_client", 700027, "Client assertion contains an invalid signature.")


def _unverified(assertion: str) -> dict[str, Any]:
    """Its claims, from anybody."""
    try:
        claims: dict[str, Any] = jwt.decode(assertion, options=_UNVERIFIED)
    except jwt.InvalidTokenError:
        raise refuse(401, "invalid_client", 50027, "JWT token is invalid or malformed.") from None
    return claims


def _is_signed(assertion: str, key: RSAPublicKey, algorithms: tuple[str, ...]) -> bool:
    try:
        jwt.decode(assertion, key, algorithms=list(algorithms), options=_CHECKED_HERE)
    except jwt.InvalidTokenError:
        return False
    return True


def _read_key(pem: str) -> tuple[RSAPublicKey, Mapping[str, str]]:
    """The key, and what an assertion's header may call it; a bare public key has no name."""
    key: object
    prints: dict[str, str] = {}
    if "BEGIN CERTIFICATE" in pem:
        certificate = x509.load_pem_x509_certificate(pem.encode())
        key = certificate.public_key()
        sha1 = certificate.fingerprint(hashes.SHA1())  # noqa: S303 - the header's own name for a certificate, no protection
        prints = {"x5t": _base64url(sha1), "x5t#S256": _base64url(certificate.fingerprint(hashes.SHA256()))}
    else:
        key = serialization.load_pem_public_key(pem.encode())
    if not isinstance(key, RSAPublicKey):
        raise TypeError("the sandbox takes RSA keys")
    return key, prints


def _names(header: Mapping[str, Any], prints: Mapping[str, str]) -> bool:
    """Whether the header is about that certificate: it has to say so, by at least one of the names, and by no wrong one."""
    said = {name: header[name] for name in ("x5t", "x5t#S256") if name in header}
    return not prints or (bool(said) and all(prints[name] == value for name, value in said.items()))


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
