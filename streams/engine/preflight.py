"""Before a process begins: brokers have to answer, its topics to stand, with the partitions that tie them together, and to be open to it.

A consumer of a missing topic waits for ever without a word, and a broker may make one up with another number of partitions.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient

from schemas.access import Access
from schemas.topics import Topics
from streams.engine.not_ready import NotReadyError
from streams.engine.permissions import check_access
from streams.engine.start import reach_brokers
from streams.engine.topic_admin import Difference, check_partitions, leaders_of

__all__ = ["TopicsNotReadyError", "let_in", "wait_for_topics"]

log = logging.getLogger(__name__)

#: How long somebody else may still be making the topics.
PATIENCE_SECONDS = 30.0
BETWEEN_LOOKS_SECONDS = 1.0


class TopicsNotReadyError(NotReadyError):
    """Topics are missing, or have another number of partitions than the settings say."""

    def __init__(self, differences: Sequence[Difference]) -> None:
        self.differences = tuple(differences)
        listed = ", ".join(_say(difference) for difference in differences)
        super().__init__(f"topics are not as declared: {listed}. Run `impact-calendar topics apply`; `topics check` shows what differs")


def wait_for_topics(
    admin_options: Mapping[str, Any], topics: Topics, access: Access | None = None, patience: float = PATIENCE_SECONDS
) -> Callable[[], Awaitable[None]]:
    """A step to run before anything is consumed.

    It raises NotReadyError, TopicsNotReadyError when the topics do not come in time, or SettingError when the brokers refuse one.
    """

    async def wait() -> None:
        async with _admitted(admin_options) as admin:
            deadline = asyncio.get_running_loop().time() + patience
            while wrong := await check_partitions(admin, topics):
                lasting = [found for found in wrong if found.setting == "partitions"]
                if lasting or asyncio.get_running_loop().time() >= deadline:
                    raise TopicsNotReadyError(lasting or wrong)
                log.warning("waiting for topics", extra={"missing": [found.topic for found in wrong]})
                await asyncio.sleep(BETWEEN_LOOKS_SECONDS)
            await check_access(admin, access or Access())

    return wait


def let_in(admin_options: Mapping[str, Any], access: Access) -> Callable[[], Awaitable[None]]:
    """The same for a process that looks after its topics itself."""

    async def ask() -> None:
        async with _admitted(admin_options) as admin:
            await check_access(admin, access)

    return ask


@asynccontextmanager
async def _admitted(options: Mapping[str, Any]) -> AsyncIterator[AIOKafkaAdminClient]:
    """A client that had an answer of the brokers that the first one names: those may be others."""
    admin = AIOKafkaAdminClient(**options)

    async def start() -> None:
        await admin.start()
        await leaders_of(admin, [])

    try:
        await reach_brokers(start, options)()
        yield admin
    finally:
        await admin.close()


def _say(difference: Difference) -> str:
    if difference.found is None:
        return f"{difference.topic} is missing"
    return f"{difference.topic} has {difference.setting} {difference.found}, expected {difference.declared}"
