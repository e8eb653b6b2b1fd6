"""Which addresses never leave this machine: plain http is accepted for these alone."""

import ipaddress

__all__ = ["is_loopback"]


def is_loopback(host: str) -> bool:
    """For a host as urlsplit gives it: lower-case, an IPv6 address without its brackets. Names other than `localhost` are not looked up."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
