"""Certificate authorities of the tests' own.

One stands for all others in every process of a test run, instead of the machine's hundred and more: each process with an HTTP client reads
all that it may trust when it starts, which takes it a tenth of a second; the tests start hundreds, and none of them talks to anybody by TLS
whom the machine's authorities vouch for.
"""

import datetime
import os
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

__all__ = ["Authority", "trust_nobody"]

_DAY = datetime.timedelta(days=1)


def trust_nobody(directory: Path) -> None:
    """SSL_CERT_FILE for this process and those it starts: an authority that signs nothing. A caller's own choice stays."""
    os.environ.setdefault("SSL_CERT_FILE", str(Authority(directory / "authority.pem", "nobody").file))


class Authority:
    """Signs certificates for a day. `file`: its own certificate, for those who are to trust it."""

    def __init__(self, file: Path, name: str) -> None:
        self.file = file
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(name)
        builder = self._certificate(self._name, self._key.public_key())
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        file.write_bytes(builder.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM))

    def keystore(self, file: Path, host: str) -> Path:
        """Writes a key and a certificate for one host name, as PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._certificate(_named(host), key.public_key())
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        certificate = builder.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM)
        file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificate)
        return file

    def _certificate(self, subject: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(self._name).public_key(key)
        return builder.serial_number(x509.random_serial_number()).not_valid_before(now - _DAY).not_valid_after(now + _DAY)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
