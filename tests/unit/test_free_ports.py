"""Ports for processes that are started in a moment."""

import socket
from itertools import count

import pytest

from infra import ports
from infra.ports import HOST, free_ports

#: From where on Linux takes ports for outgoing connections by itself.
EPHEMERAL = 32_768


def test_free_ports_differ_and_are_none_that_an_outgoing_connection_gets() -> None:
    found = [*free_ports(9), *free_ports(9)]
    assert len(set(found)) == 18
    assert all(1024 < port < EPHEMERAL for port in found)


def test_a_port_on_which_somebody_listens_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    (taken,) = free_ports(1)
    with socket.socket() as other:
        other.bind((HOST, taken))
        other.listen()
        monkeypatch.setattr(ports, "_next", count(ports._PORTS.index(taken)))
        assert free_ports(1) != [taken]
