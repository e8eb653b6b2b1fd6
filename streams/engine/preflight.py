"""Before a worker joins its group: its topics have to stand, with the partitions that tie them together.

A consumer of a missing topic waits for ever without a word, and a broker may make one up with another number of partitions.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient

from schemas.topics import Topics
from streams.engine.start import NotReadyError
from streams.engine.topic_admin import Difference, check_topics

__all__ = ["TopicsNotReadyError", "wait_for_topics"]

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


def wait_for_topics(admin_options: Mapping[str, Any], topics: Topics, patience: float = PATIENCE_SECONDS) -> Callable[[], Awaitable[None]]:
    """A step to run before anything is consumed. It raises TopicsNotReadyError when the topics do not come in time."""

    async def wait() -> None:
        admin = AIOKafkaAdminClient(**admin_options)
        await admin.start()
        try:
            deadline = asyncio.get_running_loop().time() + patience
            while wrong := [found for found in await check_topics(admin, topics) if found.setting in ("topic", "partitions", "leaders")]:
                lasting = [found for found in wrong if found.setting == "partitions"]
                if lasting or asyncio.get_running_loop().time() >= deadline:
                    raise TopicsNotReadyError(lasting or wrong)
                log.warning("waiting for topics", extra={"missing": [found.topic for found in wrong]})
                await asyncio.sleep(BETWEEN_LOOKS_SECONDS)
        finally:
            await admin.close()

    return wait


def _say(difference: Difference) -> str:
    if difference.found is None:
        return f"{difference.topic} is missing"
    return f"{difference.topic} has {difference.setting} {difference.found}, expected {difference.declared}"
