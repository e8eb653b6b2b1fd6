"""A port for a process that a test is about to start."""

from infra.ports import free_ports

__all__ = ["free_port"]


def free_port() -> int:
    (port,) = free_ports(1)
    return port
