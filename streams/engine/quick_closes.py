"""An end of a TLS connection that waits for nobody.

TLS says goodbye, and asyncio waits up to 30 s for the other side's. A broker that still holds a request says none before it has answered,
and with uvloop the wait may last its full time whatever the broker does: a worker began so much later after a rebalance. What is still to
be answered when a client closes a connection is given up anyway.
"""

from typing import Any

from aiokafka.conn import AIOKafkaConnection

__all__ = ["close_quickly"]


def close_quickly() -> None:
    """For all connections of this process, from now on."""
    close = AIOKafkaConnection.close

    def close_without_goodbye(self: Any, *args: Any, **options: Any) -> Any:
        writer = self._writer
        closed = close(self, *args, **options)
        if writer is not None and self._security_protocol.endswith("SSL"):
            writer.transport.abort()
        return closed

    AIOKafkaConnection.close = close_without_goodbye
