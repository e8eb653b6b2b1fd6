"""The portal's settings. Each may be absent for the other processes; the portal asks for what it needs by `require`."""

import base64
from dataclasses import dataclass, field
from typing import Final

from streams.settings_reader import Reader, SettingError, key_of

__all__ = ["PortalSettings", "read_portal"]

_KEY_EXPECTS: Final = "base64 of 32 bytes; several, comma-separated, while one replaces another: the first seals, all open"
_KEY_EXAMPLE: Final = base64.b64encode(bytes(32)).decode()
_EXPECTED: Final = {
    "url": ("IMPACT_PORTAL_URL", "the address at which people reach the portal, without a path", "https://calendar.example.com"),
    "oidc_issuer": (
        "IMPACT_OIDC_ISSUER",
        "the issuer's address, below which is /.well-known/openid-configuration",
        "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Example",
    ),
    "oidc_client_id": ("IMPACT_OIDC_CLIENT_ID", "the portal's client id at the issuer", "1h57kf5cpq17m0eml12EXAMPLE"),
    "oidc_client_secret": ("IMPACT_OIDC_CLIENT_SECRET", "the portal's client secret at the issuer", "..."),
    "session_keys": ("IMPACT_SESSION_KEY", _KEY_EXPECTS, _KEY_EXAMPLE),
}
_ACCOUNT_EXAMPLE: Final = "https://login.example.com/profile"


@dataclass(frozen=True, kw_only=True)
class PortalSettings:
    """`session_keys`: 32 bytes each. `administrator_roles`: in lower case; who has one of them sees every provider's classes."""

    url: str = ""
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: str = field(default="", repr=False)
    session_keys: tuple[bytes, ...] = field(default=(), repr=False)
    provider_claim: str = "sub"
    roles_claim: str = "cognito:groups"
    administrator_roles: frozenset[str] = frozenset({"administrator", "administrators", "operator", "operators"})
    oidc_name: str = "AWS Cognito Authentication"
    #: Where people change their name, password and second factor; empty: the issuer's own address.
    account_url: str = ""

    def require(self) -> "PortalSettings":
        """Itself when complete. Raises SettingError for the first that is missing."""
        for attribute, (name, expects, example) in _EXPECTED.items():
            if not getattr(self, attribute):
                raise SettingError(name, expects, example)
        return self


def read_portal(reader: Reader) -> PortalSettings:
    """Raises SettingError for what is malformed."""
    default = PortalSettings()
    roles = reader.text("IMPACT_OIDC_ADMINISTRATOR_ROLES", ",".join(sorted(default.administrator_roles)))
    return PortalSettings(
        url=_origin(reader),
        oidc_issuer=_address(reader, "IMPACT_OIDC_ISSUER", _EXPECTED["oidc_issuer"][2]),
        oidc_client_id=reader.text("IMPACT_OIDC_CLIENT_ID", ""),
        oidc_client_secret=reader.text("IMPACT_OIDC_CLIENT_SECRET", ""),
        session_keys=_session_keys(reader),
        provider_claim=reader.text("IMPACT_OIDC_PROVIDER_CLAIM", default.provider_claim),
        roles_claim=reader.text("IMPACT_OIDC_ROLES_CLAIM", default.roles_claim),
        administrator_roles=frozenset(role.strip().casefold() for role in roles.split(",") if role.strip()),
        oidc_name=reader.text("IMPACT_OIDC_NAME", default.oidc_name),
        account_url=_address(reader, "IMPACT_OIDC_ACCOUNT_URL", _ACCOUNT_EXAMPLE),
    )


def _origin(reader: Reader) -> str:
    name, expects, example = _EXPECTED["url"]
    return reader.origin(name, example, expects) if name in reader.env else ""


def _address(reader: Reader, name: str, example: str) -> str:
    """Empty where there is none."""
    return reader.url(name, example) if name in reader.env else ""


def _session_keys(reader: Reader) -> tuple[bytes, ...]:
    name, expects, example = _EXPECTED["session_keys"]
    texts = [part.strip() for part in reader.text(name, "").split(",") if part.strip()]
    keys = tuple(filter(None, map(key_of, texts)))
    if len(keys) != len(texts):
        raise SettingError(name, expects, example, "is malformed")
    return keys
