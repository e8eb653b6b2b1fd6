"""Keys that sign an issuer's tokens (RS256), and their public halves as a JWK set."""

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from jwt.algorithms import RSAAlgorithm

__all__ = ["SigningKeys", "left_half_hash"]


class SigningKeys:
    """One issuer's. A key is made when the first is needed; after a rotation the older ones still verify."""

    def __init__(self) -> None:
        self._keys: list[tuple[str, RSAPrivateKey]] = []

    def rotate(self) -> str:
        """A new key signs from now on. Returns its id."""
        key = generate_private_key(public_exponent=65537, key_size=2048)
        kid = hashlib.sha256(str(key.public_key().public_numbers().n).encode()).hexdigest()[:24]
        self._keys.append((kid, key))
        return kid

    def sign(self, claims: Mapping[str, Any]) -> str:
        kid, key = self._newest()
        return jwt.encode(dict(claims), key, algorithm="RS256", headers={"kid": kid})

    def jwk_set(self) -> dict[str, Any]:
        self._newest()
        return {"keys": [_public(kid, key) for kid, key in self._keys]}

    def verify(self, token: str, issuer: str) -> dict[str, Any] | None:
        """The claims of a token that one of these keys signed for `issuer`, expired or not; None for any other text."""
        for _, key in self._keys:
            try:
                claims: dict[str, Any] = jwt.decode(
                    token,
                    key.public_key(),
                    algorithms=["RS256"],
                    issuer=issuer,
                    options={"verify_exp": False, "verify_aud": False, "verify_iat": False, "verify_nbf": False},
                )
            except jwt.InvalidTokenError:
                continue
            return claims
        return None

    def _newest(self) -> tuple[str, RSAPrivateKey]:
        if not self._keys:
            self.rotate()
        return self._keys[-1]


def _public(kid: str, key: RSAPrivateKey) -> dict[str, Any]:
    numbers: dict[str, Any] = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {"kty": numbers["kty"], "n": numbers["n"], "e": numbers["e"], "kid": kid, "use": "sig", "alg": "RS256"}


def left_half_hash(token: str) -> str:
    """`at_hash` (OpenID Connect Core section 3.1.3.6) for RS256."""
    return base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()[:16]).decode().rstrip("=")
