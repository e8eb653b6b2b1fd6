"""A request over a connection that broke a moment ago, with the loop that the workers use: an error that aiokafka's tasks outlive."""

import asyncio
import socket
import struct

import pytest
import uvloop
from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.metadata import MetadataRequest

import streams.bootstrap  # noqa: F401 - every worker comes by here before it makes a client


def test_a_request_into_a_connection_that_just_broke_is_a_connection_error() -> None:
    assert uvloop.run(_request_after_reset()) == "the handler is closed"


async def _request_after_reset() -> str:
    listening = socket.create_server(("127.0.0.1", 0))
    host, port = listening.getsockname()
    connection = AIOKafkaConnection(host, port)
    connection._reader, connection._writer = await asyncio.open_connection(host, port)
    connection._versions = {3: (0, 1)}  # Metadata
    reading = connection._read_task = asyncio.ensure_future(connection._reader.readexactly(4))
    await asyncio.sleep(0)
    peer, _ = listening.accept()
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()  # with a reset, as the kernel of a killed broker does
    listening.close()
    with pytest.raises(RuntimeError):  # noqa: PT012 - the moment is awaited in which uvloop says so
        while True:
            connection._writer.write(b"")
            await asyncio.sleep(0)
    with pytest.raises(KafkaConnectionError) as raised:
        await connection.send(MetadataRequest([]))
    await asyncio.gather(reading, return_exceptions=True)
    assert not connection.connected()
    return str(raised.value).rpartition("; ")[2]
