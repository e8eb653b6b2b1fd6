"""A write to a connection that has just broken, as aiokafka expects it.

It waits for an OSError; uvloop raises a RuntimeError between the moment at which a transport broke and that at which its reader hears of it
(aiokafka issue 1038, open). That ends the task which keeps a client's metadata, without a word: from then on every look-up of a leader or
coordinator waits for ever, though the brokers are back.
"""

from typing import Any

from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.errors import KafkaConnectionError

__all__ = ["sort_broken_writes"]


def sort_broken_writes() -> None:
    """For all connections of this process, from now on."""
    for name in ("send", "_send_sasl_token"):
        setattr(AIOKafkaConnection, name, _sorting(getattr(AIOKafkaConnection, name)))


def _sorting(write: Any) -> Any:
    def sorted_write(self: Any, *args: Any, **options: Any) -> Any:
        try:
            return write(self, *args, **options)
        except RuntimeError as error:
            self.close(reason=CloseReason.CONNECTION_BROKEN)
            raise KafkaConnectionError(f"Connection at {self._host}:{self._port} broken: {error}") from error

    return sorted_write
