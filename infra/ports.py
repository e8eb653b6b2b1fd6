"""Free ports for processes that are started in a moment: nobody else takes them until then.

A port that the system hands out (`bind` to port 0) is free when it is asked for; seconds later, when the process listens on it, an outgoing
connection of somebody else may have got the same one.
"""

import os
import socket
from itertools import count, islice

__all__ = ["HOST", "free_ports"]

HOST = "127.0.0.1"
#: Below what systems take for outgoing connections: Linux from 32768 on, others from 49152 on.
_PORTS = range(10_240, 31_744)
#: Processes that choose at the same time begin in different places, and no process chooses the same port again soon.
_STEP = 64
_next = count(os.getpid() * _STEP)


def free_ports(number: int) -> list[int]:
    """So many different ports of the loopback address, on which nobody listens. Raises OSError when there are not so many."""
    candidates = (_PORTS[next(_next) % len(_PORTS)] for _ in _PORTS)
    found = list(islice(filter(_is_free, candidates), number))
    if len(found) < number:
        raise OSError(f"fewer than {number} free ports between {_PORTS[0]} and {_PORTS[-1]}")
    return found


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
