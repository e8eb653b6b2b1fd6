"""Fold throughput from a backlog: our worker, Faust as its tutorial has it, and a plain aiokafka loop, each as a process of its own."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from streams.domain.state import decode_state
from tests.bench.answers import Answer, intents_hash, last_intents, plain_state, states_hash
from tests.bench.kafka import RunTopics, publish, read_topic, run_topics
from tests.bench.watch import FoldRun, watch_fold
from tests.bench.workload import Backlog, make_backlog
from tests.support.processes import COMMAND, Worker

__all__ = ["ENGINES", "Engine", "FoldSizes", "backlogs", "run_fold"]


@dataclass(frozen=True, kw_only=True)
class FoldSizes:
    """`slow_events`: what the slow engine gets, so that its turn ends; a rate does not depend on it."""

    events: int
    slow_events: int
    classes: int
    providers: int
    partitions: int


@dataclass(frozen=True, kw_only=True)
class Engine:
    """`group` and `changelog` by the prefix of the run.

    `lossy`: it may drop records that it fetched while it was being assigned partitions, and not read them again; such a run is taken anew.
    """

    name: str
    label: str
    command: tuple[str, ...]
    group: Callable[[str], str]
    changelog: Callable[[str], str] | None
    slow: bool = False
    lossy: bool = False


def _states_in_faust(rows: list[tuple[bytes | None, bytes | None]]) -> str:
    """Keys of the tutorial's table are JSON strings; Faust adds its blessed type to Records."""
    states = {}
    for key, value in rows:
        state = msgspec.json.decode(value or b"null")
        state.pop("__faust", None)
        states[msgspec.json.decode(key or b"null")] = state
    return states_hash(states.items())


ENGINES = (
    Engine(
        name="ours",
        label="this fold worker (Faust, micro-batches, RocksDB)",
        command=(COMMAND, "fold"),
        group=lambda prefix: f"{prefix}impact-fold",
        changelog=lambda prefix: f"{prefix}impact-fold-classes-changelog",
    ),
    Engine(
        name="tutorial",
        label="Faust as its tutorial has it (Records, Table on RocksDB, a send an event)",
        command=(sys.executable, "-m", "tests.bench.engines.faust_tutorial", "worker", "--without-web", "-l", "info"),
        group=lambda prefix: f"{prefix}faust-tutorial",
        changelog=lambda prefix: f"{prefix}faust-tutorial-classes-changelog",
        slow=True,
        lossy=True,
    ),
    Engine(
        name="loop",
        label="plain aiokafka batch loop (uvloop, states in a dict, no changelog)",
        command=(sys.executable, "-m", "tests.bench.engines.plain_loop", "{directory}/states"),
        group=lambda prefix: f"{prefix}plain-loop",
        changelog=None,
    ),
)


def backlogs(sizes: FoldSizes) -> dict[bool, Backlog]:
    """By whether the engine is slow."""
    made = {size: make_backlog(events=size, classes=sizes.classes, providers=sizes.providers) for size in {sizes.events, sizes.slow_events}}
    return {False: made[sizes.events], True: made[sizes.slow_events]}


async def run_fold(engine: Engine, backlog: Backlog, sizes: FoldSizes, bootstrap: str, directory: Path, env: dict[str, str]) -> FoldRun:
    """One run in topics of its own. Raises WrongAnswerError, TimeoutError."""
    async with run_topics(bootstrap, f"bench-{directory.name}.", sizes.partitions) as run:
        await publish(bootstrap, run.topics.class_events, [(record.key, record.value) for record in backlog.records])
        command = [part.format(directory=directory) for part in engine.command]
        changelog = engine.changelog(run.prefix) if engine.changelog is not None else None
        worker = Worker(
            *command[1:], command=command[:1], env=env | run.env | {"IMPACT_DATA_DIR": str(directory / "data")}, log=directory / "log"
        )
        with worker:
            try:
                watched = await watch_fold(
                    bootstrap,
                    pid=worker.pid,
                    group=engine.group(run.prefix),
                    source=run.topics.class_events,
                    intents=run.topics.intents,
                    changelog=changelog,
                    events=len(backlog.records),
                    expected_intents=len(backlog.expected.intents),
                    timeout=60 + len(backlog.records) / 500,
                )
            except TimeoutError:
                raise TimeoutError(f"{engine.name} did not come to its end; the end of its log:\n{worker.output[-4000:]}") from None
        (await _answer(run, changelog, directory)).check(engine.name, _expected(backlog))
        return watched


async def _answer(run: RunTopics, changelog: str | None, directory: Path) -> Answer:
    values = [value or b"" for _, value in await read_topic(run.bootstrap, run.topics.intents)]
    if changelog is None:
        states = (directory / "states").read_text()
    else:
        rows = list(await read_topic(run.bootstrap, changelog))
        states = _states_in_faust(rows) if "tutorial" in changelog else _states_of_ours(rows)
    return Answer(states=states, intents=intents_hash(values), last=last_intents(values))


def _states_of_ours(rows: list[tuple[bytes | None, bytes | None]]) -> str:
    newest = dict(rows)
    return states_hash(((key or b"").decode(), plain_state(decode_state(row or b""))) for key, row in newest.items())


def _expected(backlog: Backlog) -> Answer:
    values = [value for _, value in backlog.expected.intents]
    states = ((key.decode(), plain_state(state)) for key, state in backlog.expected.states.items())
    return Answer(states=states_hash(states), intents=intents_hash(values), last=last_intents(values))
