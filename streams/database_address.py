"""The read model's database: what people write as an address, made into what SQLAlchemy takes. Pure; no driver is imported."""

from urllib.parse import parse_qsl, urlencode, urlsplit

__all__ = ["database_address"]

_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
    "postgresql+asyncpg": "postgresql+asyncpg",
}


def database_address(value: str) -> str:
    """Raises ValueError with what is wrong; it does not repeat the address, which may hold a password."""
    scheme, separator, rest = value.partition("://")
    driver = _DRIVERS.get(scheme)
    if not separator or driver is None:
        raise ValueError("does not begin with sqlite:// or postgresql://")
    if driver.startswith("sqlite"):
        path = rest.removeprefix("/")
        if path == rest or path.partition("?")[0] in ("", ":memory:"):
            raise ValueError("names no file; three slashes stand before a relative path, four before an absolute one")
        return f"{driver}://{rest}"
    try:
        parts = urlsplit(f"postgresql://{rest}")
        port = parts.port
    except ValueError:  # its text repeats what it could not read
        port = 0
    if port == 0:
        raise ValueError("has a malformed host or port")
    if not parts.path.strip("/") or (not parts.hostname and "host=" not in parts.query):
        raise ValueError("names no host and database")
    # libpq's name for it is what people know; asyncpg's is another
    query = urlencode([("ssl" if name == "sslmode" else name, text) for name, text in parse_qsl(parts.query)])
    return f"{driver}://{parts.netloc}{parts.path}{'?' + query if query else ''}"
