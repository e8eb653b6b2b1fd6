"""An application that proves itself to Microsoft's token endpoint without a secret."""

import base64
import hashlib
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.x509.oid import NameOID

from infra.sandbox.config import FederatedCredential, SandboxClient, SandboxConfig
from tests.integration.sandbox.client import TOKEN_PATH, Client, Reply
from tests.integration.sandbox.conftest import Launch

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ISSUER, SUBJECT, EXCHANGE = "https://tokens.example/", "portal-in-the-cluster", "api://AzureADTokenExchange"


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A key with its certificate (PEM)."""

    key: RSAPrivateKey
    certificate: str
    public_key: str
    thumbprint: str


@pytest.fixture(scope="module")
def pair() -> Pair:
    return new_pair()


@pytest.fixture(scope="module")
def stranger() -> Pair:
    return new_pair()


def new_pair() -> Pair:
    key = generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "portal")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    certificate = builder.sign(key, hashes.SHA256())
    digest = hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).digest()
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return Pair(
        key=key,
        certificate=certificate.public_bytes(serialization.Encoding.PEM).decode(),
        public_key=public.decode(),
        thumbprint=base64.urlsafe_b64encode(digest).decode().rstrip("="),
    )


@pytest.fixture
async def client(launch: Launch, pair: Pair) -> Client:
    federated = FederatedCredential(issuer=ISSUER, subject=SUBJECT, public_key=pair.public_key)
    registered = SandboxClient(certificates=(pair.certificate,), federated=(federated,))
    return await launch(SandboxConfig(clients=(registered,)))


def signed(client: Client, pair: Pair, *, alg: str = "PS256", header: dict[str, str] | None = None, **claims: Any) -> str:
    now = int(time.time())
    usual = {
        "aud": client.sandbox.base_url + TOKEN_PATH["microsoft"],
        "iss": "sandbox-client",
        "sub": "sandbox-client",
        "jti": str(uuid.uuid4()),
        "nbf": now,
        "exp": now + 300,
    }
    merged = {name: value for name, value in (usual | claims).items() if value is not None}
    return jwt.encode(merged, pair.key, algorithm=alg, headers={"x5t#S256": pair.thumbprint} if header is None else header)


async def refresh(client: Client, assertion: str, **more: str) -> Reply:
    form = {"client_id": "sandbox-client", "client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}
    form |= {"grant_type": "refresh_token", "refresh_token": await client.grant("microsoft", "ana@impact.example")} | more
    return await client.ask("POST", TOKEN_PATH["microsoft"], data={name: value for name, value in form.items() if value})


@pytest.mark.parametrize("alg", ["RS256", "PS256"])
async def test_a_registered_certificate_is_taken(client: Client, pair: Pair, alg: str) -> None:
    assert (await refresh(client, signed(client, pair, alg=alg))).status == 200
    assert (await refresh(client, signed(client, pair, alg=alg), client_id="")).status == 200


async def test_the_older_thumbprint_is_taken_too(client: Client, pair: Pair) -> None:
    der = x509.load_pem_x509_certificate(pair.certificate.encode()).public_bytes(serialization.Encoding.DER)
    sha1 = base64.urlsafe_b64encode(hashlib.sha1(der).digest()).decode().rstrip("=")
    assert (await refresh(client, signed(client, pair, header={"x5t": sha1}))).status == 200


async def test_a_bare_public_key_can_be_registered(launch: Launch, pair: Pair) -> None:
    client = await launch(SandboxConfig(clients=(SandboxClient(certificates=(pair.public_key,)),)))
    assert (await refresh(client, signed(client, pair, header={}))).status == 200


@pytest.mark.parametrize(
    ("claims", "number"),
    [
        ({"aud": "https://login.microsoftonline.com/common/oauth2/v2.0/token"}, 700023),
        ({"sub": "other"}, 700021),
        ({"jti": None}, 700021),
        ({"exp": int(time.time()) - 3600, "nbf": int(time.time()) - 7200}, 700024),
        ({"nbf": int(time.time()) + 3600, "exp": int(time.time()) + 7200}, 700024),
        ({"exp": None}, 50027),
        ({"iss": "other"}, 700211),
    ],
)
async def test_a_wrong_claim_is_refused(client: Client, pair: Pair, claims: dict[str, Any], number: int) -> None:
    reply = await refresh(client, signed(client, pair, **claims))
    assert (reply.status, reply.body["error"], reply.body["error_codes"]) == (401, "invalid_client", [number])


async def test_a_signature_that_is_not_the_certificates_is_refused(client: Client, pair: Pair, stranger: Pair) -> None:
    for assertion in (
        signed(client, stranger),
        signed(client, stranger, header={"x5t#S256": pair.thumbprint}),
        signed(client, pair, header={}),
        signed(client, pair, header={"x5t#S256": stranger.thumbprint}),
        signed(client, pair, alg="RS512"),
    ):
        assert (await refresh(client, assertion)).body["error_codes"] == [700027]


@pytest.mark.parametrize("assertion", ["nonsense", "a.b.c", "eyJhbGciOiJub25lIn0.e30."])
async def test_what_is_no_assertion_is_refused(client: Client, assertion: str) -> None:
    reply = await refresh(client, assertion)
    assert (reply.status, reply.body["error"]) == (401, "invalid_client")


async def test_an_assertion_comes_alone_and_with_its_type(client: Client, pair: Pair) -> None:
    for more in ({"client_secret": "sandbox-secret"}, {"client_assertion_type": ""}, {"client_assertion_type": "jwt"}):
        reply = await refresh(client, signed(client, pair), **more)
        assert (reply.status, reply.body["error"]) == (400, "invalid_request")


async def test_a_federated_identity_speaks_for_the_application(client: Client, pair: Pair) -> None:
    assertion = signed(client, pair, alg="RS256", header={}, iss=ISSUER, sub=SUBJECT, aud=EXCHANGE, jti=None)
    assert (await refresh(client, assertion)).status == 200


@pytest.mark.parametrize(
    ("claims", "number"),
    [({"iss": "https://other.example/"}, 700211), ({"sub": "other"}, 700213), ({"aud": "https://graph.microsoft.com"}, 700212)],
)
async def test_another_federated_identity_does_not(client: Client, pair: Pair, claims: dict[str, str], number: int) -> None:
    assertion = signed(client, pair, alg="RS256", header={}, **({"iss": ISSUER, "sub": SUBJECT, "aud": EXCHANGE} | claims))
    reply = await refresh(client, assertion)
    assert (reply.status, reply.body["error_codes"]) == (401, [number])


async def test_a_federated_assertion_signed_by_a_stranger_is_refused(client: Client, stranger: Pair) -> None:
    assertion = signed(client, stranger, alg="RS256", header={}, iss=ISSUER, sub=SUBJECT, aud=EXCHANGE)
    assert (await refresh(client, assertion)).body["error_codes"] == [700027]


async def test_without_a_registration_no_assertion_is_taken(launch: Launch, pair: Pair) -> None:
    plain = await launch(SandboxConfig())
    assert (await refresh(plain, signed(plain, pair))).body["error_codes"] == [700027]
