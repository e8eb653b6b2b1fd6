"""What each way of proving the application sends, and that nothing of it shows."""

import base64
import datetime
import json
from pathlib import Path
from unittest.mock import AsyncMock

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

from adapters.errors import Misconfigured, ServiceFailing
from adapters.microsoft.client_credential import CertificateCredential, ManagedIdentity, SecretCredential, WorkloadIdentity

URL = "https://login.example/common/oauth2/v2.0/token"
TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def pem_of(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, password: bytes | None = None) -> bytes:
    algorithm = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, algorithm)


def certificate_of(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "impact")])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    return builder.not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1)).sign(key, hashes.SHA256())


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture(scope="module")
def certificate(key: rsa.RSAPrivateKey) -> x509.Certificate:
    return certificate_of(key)


def decoded(part: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


async def test_a_secret_is_sent_as_it_is_and_not_shown() -> None:
    credential = SecretCredential("hush")
    assert await credential.form(URL) == {"client_secret": "hush"}
    assert "hush" not in repr(credential)


async def test_a_certificate_signs_a_short_lived_assertion_for_the_address(key: rsa.RSAPrivateKey, certificate: x509.Certificate) -> None:
    pem = certificate.public_bytes(serialization.Encoding.PEM) + pem_of(key)
    form = await CertificateCredential(pem, client_id="app", clock=lambda: 1_000_000.0).form(URL)
    assert form["client_assertion_type"] == TYPE
    header, claims, signature = form["client_assertion"].split(".")
    assert decoded(header)["alg"] == "PS256"
    thumbprint = base64.urlsafe_b64encode(certificate.fingerprint(hashes.SHA256())).decode().rstrip("=")
    assert decoded(header)["x5t#S256"] == thumbprint
    said = decoded(claims)
    assert (said["aud"], said["iss"], said["sub"], said["nbf"], said["exp"]) == (URL, "app", "app", 1_000_000, 1_000_300)
    key.public_key().verify(
        base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4)),
        f"{header}.{claims}".encode(),
        padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=padding.PSS.DIGEST_LENGTH),
        hashes.SHA256(),
    )


async def test_no_two_assertions_are_the_same(key: rsa.RSAPrivateKey, certificate: x509.Certificate) -> None:
    credential = CertificateCredential(certificate.public_bytes(serialization.Encoding.PEM) + pem_of(key), client_id="app")
    assert (
        decoded((await credential.form(URL))["client_assertion"].split(".")[1])["jti"]
        != (decoded((await credential.form(URL))["client_assertion"].split(".")[1])["jti"])
    )


def test_a_certificate_that_cannot_be_used_is_refused(key: rsa.RSAPrivateKey, certificate: x509.Certificate) -> None:
    own = certificate.public_bytes(serialization.Encoding.PEM)
    elliptic = ec.generate_private_key(ec.SECP256R1())
    for pem in (b"", own, pem_of(key), own + pem_of(rsa.generate_private_key(65537, 2048)), own + pem_of(elliptic)):
        with pytest.raises(ValueError):
            CertificateCredential(pem, client_id="app")
    with pytest.raises(TypeError):
        CertificateCredential(own + pem_of(key, b"password"), client_id="app")


async def test_a_workload_identity_sends_the_projected_token_read_anew_each_time(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("first\n")
    credential = WorkloadIdentity(file)
    assert await credential.form(URL) == {"client_assertion_type": TYPE, "client_assertion": "first"}
    file.write_text("second")
    assert (await credential.form(URL))["client_assertion"] == "second"
    file.unlink()
    with pytest.raises(Misconfigured, match="workload_identity_unavailable"):
        await credential.form(URL)


class _Machine:
    def __init__(self, token: str | None) -> None:
        self.token = token
        self.scopes: tuple[str, ...] = ()

    async def get_token(self, *scopes: str) -> AccessToken:
        self.scopes = scopes
        if self.token is None:
            raise ClientAuthenticationError("no identity here")
        return AccessToken(self.token, 0)

    async def close(self) -> None:
        """Nothing is held."""


@pytest.mark.parametrize("token", ["machine-token", None])
async def test_a_managed_identity_sends_the_machines_token(monkeypatch: pytest.MonkeyPatch, token: str | None) -> None:
    machine = _Machine(token)
    monkeypatch.setattr("azure.identity.aio.ManagedIdentityCredential", lambda client_id: machine)
    credential = ManagedIdentity("client")
    if token is None:
        with pytest.raises(Misconfigured, match="managed_identity_unavailable"):
            await credential.form(URL)
        return
    assert (await credential.form(URL))["client_assertion"] == token
    assert machine.scopes == ("api://AzureADTokenExchange/.default",)


async def test_an_identity_endpoint_that_does_not_answer_is_a_failing_service(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of App Service and its like the library passes on what its transport raises; nobody else would sort it."""
    machine = _Machine("machine-token")
    monkeypatch.setattr("azure.identity.aio.ManagedIdentityCredential", lambda client_id: machine)
    monkeypatch.setattr(machine, "get_token", AsyncMock(side_effect=ServiceRequestError("nobody answers")))
    with pytest.raises(ServiceFailing, match="managed_identity_failing"):
        await ManagedIdentity().form(URL)
