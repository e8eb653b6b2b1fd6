"""Workers that tally, on topics of their own."""

import json
import os
import sys
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.integration.engine.kafka_topics import Tail, committed, create, write
from tests.support.processes import Worker
from tests.support.waiting import eventually

COMMAND = (sys.executable, "-m", "tests.integration.engine.tally_worker")
ROOT = Path(__file__).parents[3]
#: A session where a worker is killed: its partitions go to others only when that is over.
AFTER_A_KILL = 10.0


@dataclass
class Tallying:
    """One topic of numbers per key, its table, and any number of workers on it."""

    bootstrap: str
    prefix: str
    directory: Path
    partitions: int = 2
    store: str = "rocksdb"
    chunk: int = 20
    commit_interval: float = 0.2
    #: How long a worker waits for what runs when a partition moves.
    patience: float = 10.0
    #: After how many seconds the brokers count a silent worker out: long, since a worker on a busy machine ends when it is counted out, and
    #: nobody starts it again here.
    session: float = 30.0
    workers: list[Worker] = field(default_factory=list)
    tails: dict[str, Tail] = field(default_factory=dict)

    @property
    def topic(self) -> str:
        return f"{self.prefix}numbers"

    @property
    def app(self) -> str:
        return f"{self.prefix}tally"

    @property
    def changelog(self) -> str:
        return f"{self.app}-tally-changelog"

    @property
    def data(self) -> Path:
        return self.directory / "data"

    @property
    def env(self) -> dict[str, str]:
        names = ("bootstrap", "topic", "app", "partitions", "store", "chunk", "commit_interval", "patience", "session")
        settings: dict[str, Any] = {name: getattr(self, name) for name in names} | {"data": str(self.data)}
        return dict(os.environ) | {"TALLY": json.dumps(settings), "PYTHONPATH": str(ROOT)}

    async def make_topics(self, cleanup: str = "compact") -> None:
        """`cleanup`: of the changelog."""
        await create(self.bootstrap, self.topic, partitions=self.partitions)
        await create(self.bootstrap, self.changelog, partitions=self.partitions, cleanup_policy=cleanup)

    async def give(self, key: str, orders: Iterable[str | int], partition: int) -> None:
        await write(self.bootstrap, self.topic, [(key.encode(), str(order).encode()) for order in orders], partition)

    def worker(self) -> Worker:
        """Not started yet."""
        made = Worker(env=self.env, log=self.directory / f"worker-{len(self.workers)}.log", command=COMMAND)
        self.workers.append(made)
        return made

    async def start(self) -> Worker:
        """A worker more, once it takes input."""
        made = self.worker().start()
        await made.wait_for_output("Worker ready")
        return made

    async def rows(self) -> dict[str, dict[str, int]]:
        """The table as its changelog has it."""
        tail = self.tails.get(self.changelog)
        if tail is None:
            tail = self.tails[self.changelog] = Tail(self.bootstrap, self.changelog, self.partitions)
        return {record.key.decode(): json.loads(record.value) for record in await tail.read()}

    async def counted(self, **last: int) -> None:
        """Until the newest row of each key has that number, each number before it counted once and none left out."""

        async def probe() -> bool:
            rows = await self.rows()
            return all(key in rows and rows[key]["last"] >= number for key, number in last.items())

        await eventually(probe, what=f"counts up to {last}", timeout=120)
        rows = await self.rows()
        wrong = {key: rows[key] for key, number in last.items() if rows[key] != {"last": number, "counted": number + 1, "gaps": 0}}
        assert wrong == {}

    async def committed(self) -> dict[int, int]:
        """Partition -> offset."""
        return {
            partition: offset for (topic, partition), offset in (await committed(self.bootstrap, self.app)).items() if topic == self.topic
        }

    async def until_committed(self, **offsets: int) -> None:
        """`p0=7`: until that much of partition 0 is committed."""

        async def probe() -> bool:
            found = await self.committed()
            return all(found.get(int(name[1:]), 0) >= offset for name, offset in offsets.items())

        await eventually(probe, what=f"commits of {offsets}")


@pytest.fixture
async def tallying(kafka: str, topic_prefix: str, tmp_path: Path) -> AsyncIterator[Tallying]:
    made = Tallying(kafka, topic_prefix, tmp_path)
    yield made
    for worker in made.workers:
        if worker.running:
            worker.kill()
    for tail in made.tails.values():
        await tail.close()
