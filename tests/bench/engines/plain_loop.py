"""The fold without a framework: aiokafka in batches, states in a dict, nothing kept over a restart.

`python -m tests.bench.engines.plain_loop ANSWER_FILE`; stops on SIGTERM and writes the hash of its states then.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

import uvloop
from aiokafka import AIOKafkaConsumer

from streams.domain.fold import fold_records
from streams.domain.state import ClassState
from streams.engine.kafka_clients import producer_options
from streams.engine.producer import ConfirmedProducer
from streams.settings import Settings
from tests.bench.answers import plain_state, states_hash

GROUP = "plain-loop"
_BATCH = 16_000


async def run(settings: Settings) -> str:
    """Fold, send, confirm, commit; again. The hash of the states at the end."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    client = {"bootstrap_servers": list(settings.kafka.bootstrap_servers)}
    topics = settings.topics
    consumer = AIOKafkaConsumer(
        topics.class_events, **client, group_id=topics.prefix + GROUP, enable_auto_commit=False, auto_offset_reset="earliest",
        max_partition_fetch_bytes=4 * 1024 * 1024,
    )  # fmt: skip
    producer = ConfirmedProducer(producer_options(settings.kafka))
    await consumer.start()
    await producer.start()
    states: dict[bytes, ClassState] = {}
    while not stop.is_set():
        intents = []
        for records in (await consumer.getmany(timeout_ms=200, max_records=_BATCH)).values():
            result = fold_records(records, states.get)
            states.update(result.states)
            intents += result.intents
        if intents:
            await asyncio.gather(*await producer.send_keyed(topics.intents, intents))
        await consumer.commit()
    await consumer.stop()
    await producer.stop()
    return states_hash((key.decode(), plain_state(state)) for key, state in states.items())


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(uvloop.run(run(Settings.from_env(os.environ))))
