"""Execute throughput: one worker process, a backlog of intents over many providers, a calendar service that takes 150 ms a call."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from schemas.codec import decode_intent, decode_outcome, encode
from schemas.connections import Service
from schemas.events import Kind, Presence
from schemas.intents import CalendarEntry, Intent
from schemas.outcomes import OutcomeKind
from streams.domain.intents import intent_id
from streams.engine.producer import Row
from tests.bench.answers import WrongAnswerError
from tests.bench.kafka import RunTopics, publish, read_topic, run_topics, wait_for_records
from tests.bench.stub.client import StubProcess, granted_rows, running_stub
from tests.bench.stub.marks import mark_of
from tests.bench.stub.services import Call, Report
from tests.bench.watch import cpu_seconds
from tests.support.processes import Worker

__all__ = ["PHASES", "ExecuteRun", "ExecuteSizes", "run_execute"]

#: In this order: each class is put on the calendar, moved, and taken off again.
PHASES = (OutcomeKind.CREATED, OutcomeKind.UPDATED, OutcomeKind.DELETED)
_PER_MAILBOX = 4
_METHODS = {OutcomeKind.CREATED: "POST", OutcomeKind.UPDATED: "PATCH", OutcomeKind.DELETED: "DELETE"}
_START = datetime(2031, 3, 3, 9, 30)


@dataclass(frozen=True, kw_only=True)
class ExecuteSizes:
    """`classes`: of each provider. One phase is `providers * classes` intents."""

    providers: int
    classes: int
    partitions: int
    latency_ms: float


@dataclass(frozen=True, kw_only=True)
class ExecuteRun:
    """`seconds`: from the first call at the service to the last outcome on the broker. `cpu`: of the worker process, in seconds."""

    calls: int
    seconds: float
    cpu: float
    refreshes: int

    @property
    def rate(self) -> float:
        return self.calls / self.seconds

    @property
    def cpu_ms(self) -> float:
        return self.cpu / self.calls * 1000


async def run_execute(
    service: Service, sizes: ExecuteSizes, bootstrap: str, directory: Path, env: dict[str, str]
) -> dict[OutcomeKind, ExecuteRun]:
    """One worker through all phases. Raises WrongAnswerError, TimeoutError."""
    providers = [f"provider-{number:05d}" for number in range(sizes.providers)]
    async with (
        run_topics(bootstrap, f"bench-{directory.name}.", sizes.partitions) as run,
        running_stub(sizes.latency_ms, directory) as stub,
    ):
        await publish(bootstrap, run.topics.connections, granted_rows(providers, service))
        worker_env = env | run.env | stub.env | {"IMPACT_DATA_DIR": str(directory / "data")}
        with Worker("execute", env=worker_env, log=directory / "log") as worker:
            await wait_for_records(bootstrap, run.topics.connection_status, sizes.providers, timeout=60 + sizes.providers / 20)
            runs: dict[OutcomeKind, ExecuteRun] = {}
            for number, kind in enumerate(PHASES, start=1):
                rows = _intents(providers, sizes.classes, kind, number)
                runs[kind] = await _phase(run, stub, worker, rows, kind, number * len(rows))
        await _check_outcomes(run, sizes.providers * sizes.classes)
        return runs


async def _phase(run: RunTopics, stub: StubProcess, worker: Worker, rows: Sequence[Row], kind: OutcomeKind, outcomes: int) -> ExecuteRun:
    before = cpu_seconds(worker.pid)
    await publish(run.bootstrap, run.topics.intents, rows)
    await wait_for_records(run.bootstrap, run.topics.outcomes, outcomes, timeout=60 + len(rows) / 20)
    ended, cpu = time.monotonic(), cpu_seconds(worker.pid) - before
    report = await stub.report()
    _check_calls(report, rows, kind)
    return ExecuteRun(calls=len(report.calls), seconds=ended - report.calls[0].at, cpu=cpu, refreshes=report.refreshes)


def _intents(providers: Sequence[str], classes: int, kind: OutcomeKind, revision: int) -> list[Row]:
    """Providers in turn, as classes of many providers change at the same time."""
    rows: list[Row] = []
    for number in range(classes):
        for provider_id in providers:
            class_id = f"class-{provider_id}-{number}"
            intent = Intent(
                id=intent_id(provider_id, class_id, revision),
                provider_id=provider_id,
                class_id=class_id,
                revision=revision,
                entry=None if kind is OutcomeKind.DELETED else _entry(class_id, revision),
                caused_by=f"{class_id}-{revision}",
                cause="com.impactfeedback.booking.class.rescheduled.v1",
            )
            rows.append((provider_id.encode(), encode(intent)))
    return rows


def _entry(class_id: str, revision: int) -> CalendarEntry:
    starts_at = _START + timedelta(days=revision)
    return CalendarEntry(
        title="Vinyasa Yoga",
        kind=Kind.CLASS,
        class_type="group",
        starts_at=starts_at,
        ends_at=starts_at + timedelta(hours=1),
        time_zone="Europe/Berlin",
        location="Studio 1",
        presence=Presence.IN_PERSON,
        url=f"https://classes.example/{class_id}",
    )


def _check_calls(report: Report, rows: Sequence[Row], kind: OutcomeKind) -> None:
    """One call for each intent, of the right kind, with the right mark, for the right mailbox, and never too many of one mailbox."""
    made = Counter(_meaning(call) for call in report.calls)
    intents = [decode_intent(value) for _, value in rows]
    wanted = Counter(
        (_METHODS[kind], each.provider_id, (each.class_id, each.revision) if each.entry is not None else None) for each in intents
    )
    if made != wanted:
        raise WrongAnswerError(
            f"execute: {kind.value}: {sum((made - wanted).values())} calls too many, {sum((wanted - made).values())} missing"
        )
    if report.most_at_once > _PER_MAILBOX:
        raise WrongAnswerError(f"execute: {report.most_at_once} calls of one mailbox at once")


def _meaning(call: Call) -> tuple[str, str, tuple[str, int] | None]:
    return call.method, call.mailbox, None if call.method == "DELETE" else mark_of(bytes(call.body))


async def _check_outcomes(run: RunTopics, entries: int) -> None:
    kinds = Counter(decode_outcome(value).kind for _, value in await read_topic(run.bootstrap, run.topics.outcomes))
    if kinds != Counter(dict.fromkeys(PHASES, entries)):
        raise WrongAnswerError(f"execute: outcomes are {dict(kinds)}")
