"""A TLS connection to a broker that says no goodbye ends at once, with both loops that our processes use."""

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvloop
from aiokafka.conn import create_conn

import streams.engine.kafka_clients  # noqa: F401 - whoever makes a client comes by here
from tests.support.authorities import Authority

#: asyncio waits 30 s for the goodbye.
PATIENCE = 10.0


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_an_end_does_not_wait_for_the_brokers_goodbye(run: Callable[[Coroutine[Any, Any, bool]], bool], tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca.pem", "authority")
    with silent_broker(authority.keystore(tmp_path / "broker.pem", "localhost")) as port:
        assert run(closed(port, ssl.create_default_context(cafile=authority.file)))


async def closed(port: int, context: ssl.SSLContext) -> bool:
    connection = await create_conn("localhost", port, security_protocol="SSL", ssl_context=context)
    await asyncio.wait_for(connection.close(), PATIENCE)
    return not connection.connected()


@contextlib.contextmanager
def silent_broker(keystore: Path) -> Iterator[int]:
    """Answers the first request, which versions it speaks, with none at all; then it neither reads nor writes."""
    ended = threading.Event()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(keystore)
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with listening, context.wrap_socket(listening.accept()[0], server_side=True) as peer:
            size = int.from_bytes(peer.recv(4), "big")
            asked = peer.recv(size)
            answer = asked[4:8] + bytes(2) + bytes(4)  # the request's number, no error, an empty list
            peer.sendall(len(answer).to_bytes(4, "big") + answer)
            ended.wait(60)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield int(listening.getsockname()[1])
    finally:
        ended.set()
        thread.join()
