"""What keeps a worker from its work before it has begun, told in one line: a traceback would say nothing more.

NotReadyError                   exit 1: the world is not as a worker needs it
├── BrokersUnreachableError     no broker answers
└── TopicsNotReadyError         engine.preflight: topics are not as declared
SettingError                    exit 2: the brokers refuse what a setting says
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from functools import partial

from aiokafka.errors import KafkaConnectionError

from streams.settings import SettingError

__all__ = ["BrokersUnreachableError", "NotReadyError", "reach_brokers", "session_refused"]

log = logging.getLogger(__name__)

#: Brokers may take connections and answer nothing: they start, or hang. Somebody who looks on hears of it after so many seconds, and after
#: so many the worker ends, since another process, or another broker behind the address, may fare better.
QUIET_SECONDS = 5.0
PATIENCE_SECONDS = 60.0


class NotReadyError(Exception):
    """`str(error)` says what is not there, and what to look at."""


class BrokersUnreachableError(NotReadyError):
    """No broker could be reached, or none answered in time."""


def reach_brokers(start: Callable[[], Awaitable[None]], servers: Sequence[str]) -> Callable[[], Awaitable[None]]:
    """A step that starts the first client of the brokers. It raises BrokersUnreachableError."""
    address = f"IMPACT_KAFKA_BOOTSTRAP_SERVERS={','.join(servers)}"

    async def reach() -> None:
        slow = asyncio.get_running_loop().call_later(QUIET_SECONDS, partial(log.warning, "no Kafka broker has answered yet: %s", address))
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await start()
        except TimeoutError:
            raise BrokersUnreachableError(f"no Kafka broker answered within {PATIENCE_SECONDS:.0f} s: {address}") from None
        except KafkaConnectionError:
            raise BrokersUnreachableError(f"no Kafka broker could be reached: {address}") from None
        finally:
            slow.cancel()

    return reach


def session_refused(session: timedelta) -> SettingError:
    """Brokers take a session within bounds of theirs; outside of them nobody gets into a group, however often it asks."""
    expects = "a time within their group.min.session.timeout.ms and group.max.session.timeout.ms"
    return SettingError("IMPACT_SESSION_TIMEOUT", expects, "30s", f"is {session.total_seconds():.0f}s, which the brokers refuse")
