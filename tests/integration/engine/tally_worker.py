"""A worker of the engine with the smallest agent that can show a loss: per key it counts the numbers it is given, in order.

`python -m tests.integration.engine.tally_worker`, told what to do by the environment (see `Tallying.env`). Records finish out of order:
each is a task of its own. A record's value is a number, and maybe what to do with it: `7 hold` waits until SIGUSR1, `7 fail` raises in the
agent's own body, `7 fail-later` in its task.
"""

import asyncio
import json
import logging
import os
import random
import signal
from datetime import timedelta
from pathlib import Path
from typing import Any

from streams.engine.app import AppConfig, EngineApp, make_app
from streams.engine.kafka_clients import producer_options
from streams.engine.offsets import Ticket
from streams.engine.producer import ConfirmedProducer
from streams.engine.run import run_app
from streams.engine.slots import claim_slot
from streams.engine.table import ChangelogTable
from streams.settings import KafkaSettings

__all__ = ["Tally"]

#: Records under way at once.
ROOM = 200


class Tally:
    """Row of a key: the last number, how many were counted, and how many times numbers were missing before one."""

    def __init__(self, app: EngineApp, table: ChangelogTable, patience: float) -> None:
        self.app = app
        self.table = table
        self.patience = patience
        self.room = asyncio.Semaphore(ROOM)
        self.released = asyncio.Event()
        self.locks: dict[bytes, asyncio.Lock] = {}
        self.tasks: set[asyncio.Task[None]] = set()
        self.listening = False

    async def run(self, stream: Any) -> None:
        if not self.listening:
            asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, self.released.set)
            self.listening = True
        async for event in stream.noack().events():
            topic, epoch = event.message.topic, self.app.offsets.epoch
            for partition, record in ((partition, record) for partition, records in event.value for record in records):
                await self.room.acquire()
                if not self.app.offsets.accepts(epoch):
                    self.room.release()
                    continue
                ticket = self.app.offsets.open((topic, partition), record.offset)
                number, _, order = record.value.decode().partition(" ")
                if order == "fail":
                    raise RuntimeError("told to fail")
                task = asyncio.create_task(self.count(partition, record.key, int(number), order, ticket))
                self.tasks.add(task)
                task.add_done_callback(self.tasks.discard)

    async def count(self, partition: int, key: bytes, number: int, order: str, ticket: Ticket) -> None:
        try:
            async with self.locks.setdefault(key, asyncio.Lock()):
                if order == "hold":
                    await self.released.wait()
                if order == "fail-later":
                    raise RuntimeError("told to fail later")
                await asyncio.sleep(random.random() / 1000)  # so that keys overtake each other
                await self.write(partition, key, number)
            self.app.offsets.finish(ticket)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            await self.app.crash(error)
            raise
        finally:
            self.room.release()

    async def write(self, partition: int, key: bytes, number: int) -> None:
        row = json.loads(self.table.get_row(partition, key) or b'{"last": -1, "counted": 0, "gaps": 0}')
        if number <= row["last"]:
            return  # a repeat
        row = {"last": number, "counted": row["counted"] + 1, "gaps": row["gaps"] + (number != row["last"] + 1)}
        await (await self.table.write_row(partition, key, json.dumps(row).encode()))

    async def drain(self) -> None:
        if self.tasks:
            _, late = await asyncio.wait(self.tasks, timeout=self.patience)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)

    async def tables_ready(self, partitions: list[int]) -> None:
        self.locks.clear()
        print(f"holds {partitions}", flush=True)  # noqa: T201 - for the test


def main() -> None:
    logging.basicConfig(level=logging.INFO)
    settings = json.loads(os.environ["TALLY"])
    client = {"bootstrap_servers": [settings["bootstrap"]]}
    slot = claim_slot(Path(settings["data"]), "tally")
    producer = ConfirmedProducer(producer_options(KafkaSettings(bootstrap_servers=(settings["bootstrap"],))))
    config = AppConfig(
        app_id=settings["app"],
        brokers=(settings["bootstrap"],),
        client=client,
        partitions=settings["partitions"],
        store=settings["store"],
        directory=slot.directory,
        chunk=settings["chunk"],
        buffered_chunks=2,
        session_timeout=timedelta(seconds=settings["session"]),
        commit_interval=timedelta(seconds=settings["commit_interval"]),
    )
    app = make_app(config, producer)
    app.slot = slot
    tally = Tally(app, app.changelog_table("tally"), settings["patience"])
    app.worklist = tally
    app.agent(app.raw_topic(settings["topic"]), name="tally")(tally.run)
    run_app(app)


if __name__ == "__main__":
    main()
