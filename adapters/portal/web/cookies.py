"""How this portal's cookies are set: HttpOnly, SameSite=Lax (a calendar service sends people back by a link), Secure unless on loopback."""

from datetime import timedelta

__all__ = ["cookie_header"]


def cookie_header(name: str, value: str, *, secure: bool, max_age: timedelta, path: str = "/") -> str:
    """The value of a Set-Cookie header. `value` is URL-safe text; a `max_age` of zero takes the cookie away."""
    parts = [f"{name}={value}", f"Path={path}", f"Max-Age={int(max_age.total_seconds())}", "HttpOnly", "SameSite=Lax"]
    return "; ".join([*parts, "Secure"] if secure else parts)
