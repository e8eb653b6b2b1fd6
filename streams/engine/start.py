"""The first client of the brokers: how long a process waits for them, and what it tells (engine.not_ready has the errors)."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

from aiokafka.errors import KafkaConnectionError, NodeNotReadyError

from streams.engine.not_ready import BrokersUnreachableError
from streams.engine.refusal import Refusal, why_refused
from streams.settings import SettingError

__all__ = ["reach_brokers", "session_refused"]

log = logging.getLogger(__name__)

#: Brokers may take connections and answer nothing: they start, or hang. Somebody who looks on hears of it after so many seconds, and after
#: so many the worker ends, since another process, or another broker behind the address, may fare better.
QUIET_SECONDS = 5.0
PATIENCE_SECONDS = 60.0


def reach_brokers(start: Callable[[], Awaitable[None]], client: Mapping[str, Any]) -> Callable[[], Awaitable[None]]:
    """A step that starts the first client of the brokers, made with the options `client`.

    It raises what refusal.why_refused tells, or BrokersUnreachableError.
    """
    address = f"IMPACT_KAFKA_BOOTSTRAP_SERVERS={','.join(client['bootstrap_servers'])}"

    async def reach() -> None:
        starting, refusal = asyncio.ensure_future(start()), None
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                if not (await asyncio.wait({starting}, timeout=QUIET_SECONDS))[0]:
                    log.warning("no Kafka broker has answered yet: %s", address)
                    refusal = _lasting(await why_refused(client))
                await starting
        except TimeoutError:
            raise refusal or BrokersUnreachableError(f"no Kafka broker answered within {PATIENCE_SECONDS:.0f} s: {address}") from None
        except (KafkaConnectionError, NodeNotReadyError):
            raise await why_refused(client) or BrokersUnreachableError(f"no Kafka broker could be reached: {address}") from None
        finally:
            starting.cancel()
            await asyncio.wait({starting})

    return reach


def _lasting(refusal: Refusal | None) -> BrokersUnreachableError | None:
    """Raises what waiting does not help."""
    if refusal is None or isinstance(refusal, BrokersUnreachableError):
        return refusal
    raise refusal


def session_refused(session: timedelta) -> SettingError:
    """Brokers take a session within bounds of theirs; outside of them nobody gets into a group, however often it asks."""
    expects = "a time within their group.min.session.timeout.ms and group.max.session.timeout.ms"
    return SettingError("IMPACT_SESSION_TIMEOUT", expects, "30s", f"is {session.total_seconds():.0f}s, which the brokers refuse")
