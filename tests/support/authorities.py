"""One certificate authority for every process of a test run, instead of the machine's hundred and more.

Each process with an HTTP client reads all that it may trust when it starts, which takes it a tenth of a second; the tests start hundreds,
and none of them talks to anybody by TLS whom the machine's authorities vouch for.
"""

import datetime
import os
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

__all__ = ["trust_nobody"]


def trust_nobody(directory: Path) -> None:
    """SSL_CERT_FILE for this process and those it starts: an authority whose key is thrown away. A caller's own choice stays."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "nobody")])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    authority = builder.not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1)).sign(key, hashes.SHA256())
    path = directory / "authority.pem"
    path.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    os.environ.setdefault("SSL_CERT_FILE", str(path))
