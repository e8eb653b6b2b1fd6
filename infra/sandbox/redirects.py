"""The addresses that an authorization may lead back to: registered whole, compared whole, as all three providers do."""

from urllib.parse import urlsplit

__all__ = ["ADMIN_CONSENT", "SIGNED_OUT", "Redirects"]

ADMIN_CONSENT = "admin_consent"
SIGNED_OUT = "signed_out"

#: Provider -> paths below the portal's address.
_PATHS = {
    "google": ("/oauth/google/callback",),
    "microsoft": ("/oauth/microsoft/callback", "/admin-consent/callback"),
    ADMIN_CONSENT: ("/admin-consent/callback",),
    "oidc": ("/signin/callback",),
    SIGNED_OUT: ("/", "/signin", "/signed-out"),
}
_TWINS = {"127.0.0.1": "localhost", "localhost": "127.0.0.1"}


class Redirects:
    """Below one portal address or several; a loopback one is registered under both of its names."""

    def __init__(self, portal_url: str) -> None:
        self._first = portal_url
        self._bases: list[str] = []
        self.add(portal_url)

    def add(self, portal_url: str) -> None:
        base = portal_url.rstrip("/")
        host = urlsplit(base).hostname or ""
        twin = _TWINS.get(host, host)
        names = dict.fromkeys((base, base.replace(f"//{host}", f"//{twin}", 1)))
        self._bases += [name for name in names if name not in self._bases]

    def allows(self, kind: str, uri: str) -> bool:
        return uri in {base + path for base in self._bases for path in _PATHS[kind]}

    def usual(self, kind: str) -> str:
        """Where a request leads that names no address."""
        return self._bases[0] + _PATHS[kind][0]

    def reset(self) -> None:
        self._bases.clear()
        self.add(self._first)
