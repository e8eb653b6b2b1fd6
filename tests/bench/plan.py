"""What a run of the bench does: sizes, how often, and where the answers go."""

from dataclasses import dataclass
from pathlib import Path

from tests.bench.execute_bench import ExecuteSizes
from tests.bench.fold_bench import FoldSizes
from tests.bench.latency_bench import LatencySizes
from tests.bench.portal_bench import PortalSizes

__all__ = ["BENCHES", "Plan", "full", "quick"]

BENCHES = ("fold", "latency", "execute", "read-model", "portal")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """`latency_events`: paced ones, beside the warm-up."""

    rounds: int
    fold: FoldSizes
    latency: LatencySizes
    latency_events: int
    execute: ExecuteSizes
    read_model: FoldSizes
    portal: PortalSizes
    report: Path


def full(*, rounds: int, events: int, partitions: int, report: Path) -> Plan:
    return Plan(
        rounds=rounds,
        fold=FoldSizes(
            events=events, slow_events=max(events // 10, 1_000), classes=min(5_000, events // 20), providers=500, partitions=partitions
        ),
        latency=LatencySizes(warm_up=15_000, per_second=500, partitions=partitions, providers=500),
        latency_events=10_000,
        execute=ExecuteSizes(providers=2_000, classes=5, partitions=partitions, latency_ms=150),
        read_model=FoldSizes(events=events, slow_events=events, classes=max(events // 20, 1), providers=500, partitions=partitions),
        portal=PortalSizes(users=200, classes=60, seconds=20, bursts=10),
        report=report,
    )


def quick(report: Path) -> Plan:
    """For developing, and for a test that the benches run: seconds, and figures that say nothing."""
    return Plan(
        rounds=1,
        fold=FoldSizes(events=4_000, slow_events=1_000, classes=50, providers=20, partitions=4),
        latency=LatencySizes(warm_up=200, per_second=200, partitions=4, providers=20),
        latency_events=400,
        execute=ExecuteSizes(providers=20, classes=2, partitions=4, latency_ms=20),
        read_model=FoldSizes(events=12_000, slow_events=12_000, classes=200, providers=20, partitions=4),
        portal=PortalSizes(users=10, classes=5, seconds=2, bursts=2),
        report=report,
    )
