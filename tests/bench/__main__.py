"""`python -m tests.bench`: measure, verify, write docs/benchmarks.md. `make bench` runs it; `--quick` is for developing."""

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import uvloop

from infra.kafka.broker import LocalKafka
from tests.bench.plan import BENCHES, Plan, full, quick
from tests.bench.report import machine, write_report
from tests.bench.sections import Place, execute_section, fold_section, latency_section, portal_section, read_model_section

REPORT = Path(__file__).parents[2] / "docs" / "benchmarks.md"
_SECTIONS = {
    "fold": fold_section,
    "latency": latency_section,
    "execute": execute_section,
    "read-model": read_model_section,
    "portal": portal_section,
}


async def run(plan: Plan, only: Sequence[str], place: Place, command: str) -> None:
    """Raises WrongAnswerError when an engine did not do its work."""
    facts = machine()
    sections = [await _SECTIONS[name](plan, place) for name in BENCHES if name in only]
    write_report(plan.report, command=command, facts=facts, sections=sections)


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measure on a real Kafka.")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, one round: for developing; the figures say nothing")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each engine, taken in turn")
    parser.add_argument("--events", type=int, default=300_000, help="events in the fold's backlog")
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--providers", type=int, default=2_000, help="providers in the execute bench, five classes each")
    parser.add_argument("--only", choices=BENCHES, nargs="+", default=list(BENCHES))
    parser.add_argument("--report", type=Path, default=None, help="where the report goes; docs/benchmarks.md, for --quick a temporary file")
    parser.add_argument("--kafka", default=None, metavar="HOST:PORT", help="a broker that runs already; else one is started")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="impact-bench-") as scratch:
        directory = Path(scratch)
        plan = _plan(given)
        env = {name: value for name, value in os.environ.items() if not name.startswith("IMPACT_")}
        command = " ".join(["python -m tests.bench", *arguments])
        if given.kafka is not None:
            place = Place(bootstrap=given.kafka, directory=directory, env=env, say=_say)
            uvloop.run(run(plan, given.only, place, command))
        else:
            with LocalKafka(data_dir=directory / "kafka") as broker:
                place = Place(bootstrap=broker.bootstrap_servers, directory=directory, env=env, say=_say)
                uvloop.run(run(plan, given.only, place, command))
    _say(f"written: {plan.report}")


def _plan(given: argparse.Namespace) -> Plan:
    if given.quick:
        return quick(given.report or Path(tempfile.gettempdir()) / "impact-benchmarks-quick.md")
    plan = full(rounds=given.rounds, events=given.events, partitions=given.partitions, report=given.report or REPORT)
    return replace(plan, execute=replace(plan.execute, providers=given.providers))


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
