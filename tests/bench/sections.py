"""Each bench as a section of the report: its runs in turn, its table, its targets."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path

from schemas.connections import Service
from tests.bench.answers import WrongAnswerError
from tests.bench.execute_bench import PHASES, ExecuteRun, run_execute
from tests.bench.fold_bench import ENGINES, Engine, FoldSizes, backlogs, run_fold
from tests.bench.latency_bench import LatencyRun, intent_latency, loop_latency, provider_latency
from tests.bench.plan import Plan
from tests.bench.portal_bench import PACED, PortalRun, run_portal
from tests.bench.read_model_bench import ReadModelRun, run_read_model
from tests.bench.report import Row, Section, Spread
from tests.bench.watch import FoldRun
from tests.bench.workload import Backlog, make_backlog

__all__ = ["Place", "execute_section", "fold_section", "latency_section", "portal_section", "read_model_section", "whole_fold"]

Say = Callable[[str], None]
#: Of an engine that may lose input.
_ATTEMPTS = 4


class Place:
    """Where runs happen: the broker, a directory of its own for each run, and the environment that workers inherit."""

    def __init__(self, *, bootstrap: str, directory: Path, env: Mapping[str, str], say: Say) -> None:
        self.bootstrap = bootstrap
        self.env = dict(env)
        self.say = say
        self._directory = directory
        self._count = 0

    def next(self, name: str) -> Path:
        self._count += 1
        directory = self._directory / f"{self._count:02d}-{name}"
        directory.mkdir(parents=True)
        return directory


async def fold_section(plan: Plan, place: Place) -> Section:
    made = backlogs(plan.fold)
    runs: dict[str, list[FoldRun]] = defaultdict(list)
    for _ in range(plan.rounds):
        for engine in ENGINES:
            run = await whole_fold(engine, made[engine.slow], plan.fold, place)
            runs[engine.name].append(run)
            place.say(f"fold, {engine.name}: {run.rate:,.0f} events/s, {run.cpu_us:.1f} us of CPU an event")
    sizes = plan.fold
    section = Section(
        "Fold throughput from a backlog",
        f"{sizes.events:,} events ({sizes.slow_events:,} for the tutorial) of {sizes.classes:,} classes on {sizes.partitions} partitions, "
        f"{made[False].bytes_per_event:.0f} bytes each, {made[False].intents_per_event:.2f} intents an event; `acks=all`. Timed from the "
        "first output on the broker to the last; all offsets were committed afterwards. Verified: the final states, the set of intents, "
        "and the last intent of each provider and class equal those of the pure fold.",
        ("engine", "events/s", "CPU us an event", "ratio to this worker"),
        [_fold_row(engine, runs) for engine in ENGINES],
    )
    for other, least in (("tutorial", 10.0), ("loop", 0.4)):
        ratio = _ratio(runs, "ours", other)
        section.targets.append((f"at least {least:g} x {other}", f"{ratio.show(2)} x", ratio.median >= least))
    return section


async def whole_fold(engine: Engine, backlog: Backlog, sizes: FoldSizes, place: Place) -> FoldRun:
    """A run that lost nothing. Raises WrongAnswerError, TimeoutError."""
    for left in reversed(range(_ATTEMPTS)):
        try:
            return await run_fold(engine, backlog, sizes, place.bootstrap, place.next(engine.name), place.env)
        except (WrongAnswerError, TimeoutError, AssertionError) as error:  # the last: it does not stop
            if not (engine.lossy and left):
                raise
            place.say(f"fold, {engine.name}: it lost input or did not stop, and is run anew: {error}")
    raise AssertionError("the last attempt returns or raises")


def _fold_row(engine: Engine, runs: Mapping[str, list[FoldRun]]) -> Row:
    mine = runs[engine.name]
    rate, cpu = Spread([run.rate for run in mine]), Spread([run.cpu_us for run in mine])
    return Row((engine.label, rate.show(), cpu.show(1), _ratio(runs, engine.name, "ours").show(2)))


def _ratio(runs: Mapping[str, list[FoldRun]], one: str, other: str) -> Spread:
    """Of runs of the same round, which met the same machine."""
    return Spread([mine.rate / theirs.rate for mine, theirs in zip(runs[one], runs[other], strict=True)])


async def latency_section(plan: Plan, place: Place) -> Section:
    sizes = plan.latency
    backlog = make_backlog(events=sizes.warm_up + plan.latency_events, classes=sizes.warm_up // 2, providers=sizes.providers, seed=11)
    paths = {
        "intent read back": (intent_latency, 20.0),
        "intent read back, plain loop instead": (loop_latency, None),
        "provider called": (provider_latency, 60.0),
    }
    runs: dict[str, list[LatencyRun]] = defaultdict(list)
    for _ in range(plan.rounds):
        for name, (measure, _) in paths.items():
            run = await measure(backlog, sizes, place.bootstrap, place.next("latency"), place.env)
            runs[name].append(run)
            place.say(f"latency, {name}: p50 {run.percentile(50):.1f} ms, p99 {run.percentile(99):.1f} ms")
    section = Section(
        f"Latency at {sizes.per_second} events/s",
        f"{plan.latency_events:,} paced events, half of the {sizes.providers} providers on Google and half on Microsoft, both played by a "
        "stub that answers at once. From an event's produce call until a consumer has its intent (the fold worker runs), and until the "
        "request is at the calendar (fold and execute run; creates and updates). The plain aiokafka loop shows what the machine, the "
        "broker and the reader cost anyone. Verified: no intent is missing; the calendars at the end "
        "show exactly what the last intents ask for.",
        ("from produced to", "p50 ms", "p90 ms", "p99 ms", "worst ms", "samples a run"),
    )
    for name, (_, most) in paths.items():
        shown = [Spread([run.percentile(percent) for run in runs[name]]) for percent in (50, 90, 99, 100)]
        section.rows.append(Row((name, *(spread.show(1) for spread in shown), f"{len(runs[name][0].samples):,}")))
        if most is not None:
            section.targets.append((f"{name}: p99 at most {most:g} ms", f"{shown[2].show(1)} ms", shown[2].median <= most))
    return section


async def execute_section(plan: Plan, place: Place) -> Section:
    sizes = plan.execute
    runs: dict[tuple[Service, str], list[ExecuteRun]] = defaultdict(list)
    for _ in range(plan.rounds):
        for service in Service:
            measured = await run_execute(service, sizes, place.bootstrap, place.next(service.value), place.env)
            for kind, run in measured.items():
                runs[(service, kind.value)].append(run)
                place.say(f"execute, {service.value} {kind.value}: {run.rate:,.0f} calls/s, {run.cpu_ms:.2f} ms of CPU a call")
    section = Section(
        f"Execute throughput at {sizes.latency_ms:g} ms a call",
        f"One execute process, {sizes.providers * sizes.classes:,} intents a row over {sizes.providers:,} providers, requests built and "
        "answers read by the vendors' SDKs, each sent over HTTP to a stub in a process of its own. Timed from the first call to the last "
        "outcome on the broker. Creates include one token refresh a provider and the mark that is written ahead. CPU is the worker's, over "
        "everything it does. Verified: exactly one call for each intent, right mailbox and mark, never more than 4 at once for a mailbox, "
        "one outcome each.",
        ("service", "what", "calls/s", "CPU ms a call"),
    )
    for service in Service:
        for kind in PHASES:
            mine = runs[(service, kind.value)]
            rate, cpu = Spread([run.rate for run in mine]), Spread([run.cpu_ms for run in mine])
            section.rows.append(Row((service.value, kind.value, rate.show(), cpu.show(2))))
            section.targets.append((f"{service.value} {kind.value}: at least 1,000 calls/s", rate.show(), rate.median >= 1000))
    return section


async def read_model_section(plan: Plan, place: Place) -> Section:
    sizes = plan.read_model
    backlog = make_backlog(events=sizes.events, classes=sizes.classes, providers=sizes.providers, seed=13)
    runs: list[ReadModelRun] = []
    for _ in range(plan.rounds):
        runs.append(await run_read_model(backlog, sizes.partitions, place.bootstrap, place.next("read-model"), place.env))
        place.say(
            f"read model: {runs[-1].rate:,.0f} events/s, {runs[-1].cpu_us:.1f} us of CPU an event, month {runs[-1].month_ms:.1f} ms, "
            f"its page {runs[-1].page_ms:.1f} ms, a change {runs[-1].live_ms:.0f} ms"
        )
    names = ("rate", "cpu_us", "month_ms", "page_ms", "live_ms")
    rate, cpu, month, page, live = (Spread([getattr(run, name) for run in runs]) for name in names)
    section = Section(
        "The read model on SQLite",
        f"One `read-model` process, {sizes.events:,} events of {sizes.classes:,} classes on {sizes.partitions} partitions, from the first "
        f"commit to the last. Then a month of {runs[0].month:,} classes is read, as the month view reads it: the classes and marks of each "
        "day counted, the first ones with all that they show; and an administrator loads the page of a full month; at last events are "
        "sent one by one, each timed until a reader finds it. Verified: the states equal those of the pure fold, and every event has one "
        "step in its timeline.",
        ("what", "events/s", "CPU us an event", f"month of {runs[0].month:,}, ms", "its page, ms", "one change, ms"),
        [Row(("read-model on SQLite", rate.show(), cpu.show(1), month.show(1), page.show(1), live.show()))],
    )
    section.targets.append(("at least 20,000 events/s", rate.show(), rate.median >= 20_000))
    section.targets.append(("a month below 50 ms", f"{month.show(1)} ms", month.median < 50))
    section.targets.append(("its page below 100 ms", f"{page.show(1)} ms", page.median < 100))
    section.targets.append(("a change within a second", f"{live.show()} ms", live.median < 1_000))
    return section


async def portal_section(plan: Plan, place: Place) -> Section:
    sizes = plan.portal
    runs: dict[str, list[PortalRun]] = defaultdict(list)
    for _ in range(plan.rounds):
        for name, run in (await run_portal(sizes, place.bootstrap, place.next("portal"), place.env)).items():
            runs[name].append(run)
            place.say(f"portal, {name}: p50 {run.percentile(50):.1f} ms, p99 {run.percentile(99):.1f} ms")
    section = Section(
        f"The portal with {sizes.users} people",
        f"One `portal` process over SQLite, {sizes.users} connected providers with {sizes.classes} classes each, signed in through the "
        f"sandbox's issuer. Each loads the EXTERNAL page once a second for {sizes.seconds} s, over a connection of their own; then all at "
        f"the same moment, {sizes.bursts} times. From the moment at which a request was due to the last byte of the page; CPU is the "
        "portal's. Verified: every answer is 200 and shows the person's own account.",
        ("what", "p50 ms", "p99 ms", "worst ms", "pages/s", "CPU ms a page"),
    )
    for name, mine in runs.items():
        shown = [Spread([run.percentile(percent) for run in mine]) for percent in (50, 99, 100)]
        rate, cpu = Spread([run.rate for run in mine]), Spread([run.cpu_ms for run in mine])
        section.rows.append(Row((name, *(spread.show(1) for spread in shown), rate.show(), cpu.show(2))))
        if name == PACED:
            section.targets.append((f"{sizes.users} people: p99 below 100 ms", f"{shown[1].show(1)} ms", shown[1].median < 100))
    return section
