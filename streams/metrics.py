"""Every metric of this product, by name, in one list; below it, what each process counts with them.

No globals: `make_metrics` gives a registry of its own. Labels are small closed sets: no id of a class, provider or student is ever one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from schemas.connections import Service
from schemas.intents import Lane
from schemas.outcomes import OutcomeKind

__all__ = [
    "ALL",
    "ExecuteMetrics",
    "FoldMetrics",
    "LagMetrics",
    "Metrics",
    "ProjectionMetrics",
    "RedeliveryMetrics",
    "Spec",
    "make_metrics",
]


@dataclass(frozen=True, kw_only=True)
class Spec:
    """One metric. Prometheus adds `_total` to a counter's name, and `_bucket`, `_sum`, `_count` to a histogram's."""

    kind: type[Counter] | type[Gauge] | type[Histogram]
    name: str
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()

    def make(self, registry: CollectorRegistry) -> Any:
        extra: dict[str, Any] = {"buckets": self.buckets} if self.buckets else {}
        return self.kind(self.name, self.help, self.labels, registry=registry, **extra)

    def children(self, registry: CollectorRegistry) -> Callable[..., Any]:
        """The metric's own look-up by label values takes a lock and checks them anew; this one remembers, for what every call counts."""
        return cache(self.make(registry).labels)


def _counter(name: str, help: str, *labels: str) -> Spec:
    return Spec(kind=Counter, name=name, help=help, labels=labels)


def _gauge(name: str, help: str, *labels: str) -> Spec:
    return Spec(kind=Gauge, name=name, help=help, labels=labels)


# fold
FOLD_EVENTS: Final = _counter("impact_fold_events", "Domain events by what became of them: folded or repeat", "result")
#: Counted beside `folded`: the event was folded, versions before it are missing.
FOLD_GAPS: Final = _counter("impact_fold_version_gaps", "Domain events folded after missing versions")
FOLD_DEAD_LETTERS: Final = _counter("impact_fold_dead_letters", "Domain events that break the contract, by reason", "code")
FOLD_INTENTS: Final = _counter("impact_fold_intents", "Intents published")
FOLD_FORGOTTEN: Final = _counter("impact_fold_forgotten", "Classes forgotten long after their last day")

# execute
EXECUTE_INTENTS: Final = _counter("impact_execute_intents", "Intents consumed, retries included", "lane")
#: `service` is `none` where the provider has no connection.
EXECUTE_OUTCOMES: Final = _counter("impact_execute_outcomes", "What became of intents", "kind", "service")
#: `operation`: create, update, delete, find. `result`: ok, cancelled, or the class of adapters.errors.
EXECUTE_CALLS: Final = _counter("impact_execute_calls", "Calls to calendar services", "service", "operation", "result")
EXECUTE_CALL_SECONDS: Final = Spec(
    kind=Histogram, name="impact_execute_call_seconds", help="How long calls to calendar services took", labels=("service", "operation"),
    buckets=(0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3.0, 6.0, 10.0),
)  # fmt: skip
EXECUTE_IN_FLIGHT: Final = _gauge("impact_execute_calls_in_flight", "Calls to calendar services under way", "service")
EXECUTE_PARKED: Final = _gauge(
    "impact_execute_parked_entries", "Agenda entries that rest until a failing calendar service answers again", "service"
)
#: 0 closed (all is well), 1 half open (a probe is out), 2 open (the service rests).
EXECUTE_CIRCUIT: Final = _gauge("impact_execute_circuit_state", "Circuit: 0 closed, 1 half open, 2 open", "service")
#: `result`: refreshed, rotated, postponed, or the class of the error.
EXECUTE_TOKEN_REFRESHES: Final = _counter("impact_execute_token_refreshes", "Refreshes of access tokens", "service", "result")

#: A grant that its service calls dead: its provider has to connect again.
EXECUTE_GRANTS_DIED: Final = _counter("impact_execute_grants_died", "Grants that their service called dead", "service")
#: Of live changes only: a backfill or a replay is late by nature.
EXECUTE_DELAY_SECONDS: Final = Spec(
    kind=Histogram, name="impact_execute_delay_seconds", help="From a change in the booking system until the calendar showed it",
    labels=("service",), buckets=(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 1800.0, 10800.0),
)  # fmt: skip

#: `result`: news, repeat; older, ended, unknown (ignored, and told in the log); broken (breaks the contract, left out).
EXECUTE_CONNECTION_EVENTS: Final = _counter("impact_execute_connection_events", "Connection events by what became of them", "result")

# redelivery; `tier` is the retry topic's last part (`30s`, `5m`)
REDELIVERY_WAITING: Final = _gauge("impact_redelivery_waiting", "Retries that wait, in the partitions of this process", "tier")
REDELIVERY_MOVED: Final = _counter("impact_redelivery_redelivered", "Retries moved back to their topic, confirmed", "tier")
#: Moved back at once, since nobody can tell when they are due.
REDELIVERY_NO_DUE: Final = _counter("impact_redelivery_without_due_time", "Retries with a missing or garbled due time", "tier")
REDELIVERY_DEAD_LETTERS: Final = _counter("impact_redelivery_dead_letters", "Retries that the brokers refuse for good", "code")
REDELIVERY_RECONNECTS: Final = _counter("impact_redelivery_reconnects", "Times that redelivery could not go on and began anew", "error")

# the read model
PROJECTION_RECORDS: Final = _counter(
    "impact_read_model_records", "Records by what became of them: folded, repeat, skipped", "topic", "result"
)
PROJECTION_FORGOTTEN: Final = _counter("impact_read_model_forgotten", "Classes forgotten long after their last day")
PROJECTION_RESTARTS: Final = _counter("impact_read_model_restarts", "Times that the read model began anew after a failure", "error")
#: 1 in the one process that writes.
PROJECTION_WRITER: Final = _gauge("impact_read_model_writer", "1 where this process writes the read model, 0 where it stands by")

# every worker
LAG: Final = _gauge("impact_consumer_lag", "Records not yet committed, per partition assigned here", "topic", "partition")

ALL: Final = tuple(value for value in list(globals().values()) if isinstance(value, Spec))


class FoldMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self._events = FOLD_EVENTS.make(registry)
        self._gaps = FOLD_GAPS.make(registry)
        self._dead_letters = FOLD_DEAD_LETTERS.make(registry)
        self._intents = FOLD_INTENTS.make(registry)
        self._forgotten = FOLD_FORGOTTEN.make(registry)
        self._folded, self._repeats = self._events.labels("folded"), self._events.labels("repeat")

    def folded(self, *, folded: int, repeats: int, gaps: int, intents: int) -> None:
        """One chunk, confirmed. Its dead letters are counted one by one as they are sent."""
        self._folded.inc(folded)
        self._repeats.inc(repeats)
        self._gaps.inc(gaps)
        self._intents.inc(intents)

    def dead_letter(self, code: str) -> None:
        """`code` is that of a ContractViolation."""
        self._dead_letters.labels(code).inc()

    def forgotten(self, classes: int) -> None:
        self._forgotten.inc(classes)


class ExecuteMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self._intents = EXECUTE_INTENTS.children(registry)
        self._outcomes = EXECUTE_OUTCOMES.children(registry)
        self._calls = EXECUTE_CALLS.children(registry)
        self._call_seconds = EXECUTE_CALL_SECONDS.children(registry)
        self._in_flight = EXECUTE_IN_FLIGHT.children(registry)
        self._parked = EXECUTE_PARKED.make(registry)
        self._circuit = EXECUTE_CIRCUIT.make(registry)
        self._refreshes = EXECUTE_TOKEN_REFRESHES.make(registry)
        self._grants_died = EXECUTE_GRANTS_DIED.make(registry)
        self._delay = EXECUTE_DELAY_SECONDS.children(registry)
        self._connection_events = EXECUTE_CONNECTION_EVENTS.make(registry)

    def intents(self, lane: Lane) -> None:
        self._intents(lane.value).inc()

    def outcome(self, kind: OutcomeKind, service: Service | None) -> None:
        self._outcomes(kind.value, service.value if service is not None else "none").inc()

    def call_began(self, service: Service) -> None:
        """Each is followed by one `call_ended`."""
        self._in_flight(service.value).inc()

    def call_ended(self, service: Service, operation: str, result: str, seconds: float) -> None:
        """`result` is `ok`, `cancelled` or the name of the error's class."""
        self._in_flight(service.value).dec()
        self._calls(service.value, operation, result).inc()
        self._call_seconds(service.value, operation).observe(seconds)

    def parked(self, service: Service, entries: int) -> None:
        """How many entries rest now."""
        self._parked.labels(service.value).set(entries)

    def circuit(self, service: Service, state: int) -> None:
        """`state`: 0 closed, 1 half open, 2 open."""
        self._circuit.labels(service.value).set(state)

    def token_refresh(self, service: Service, result: str) -> None:
        """Fits TokenKeeper's `observe`."""
        self._refreshes.labels(service.value, result).inc()

    def grant_died(self, service: Service) -> None:
        self._grants_died.labels(service.value).inc()

    def shown(self, service: Service, seconds: float) -> None:
        """A live change stands on the calendar, so long after it happened."""
        self._delay(service.value).observe(seconds)

    def connection_event(self, result: str) -> None:
        self._connection_events.labels(result).inc()


class RedeliveryMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self._waiting = REDELIVERY_WAITING.make(registry)
        self._moved = REDELIVERY_MOVED.make(registry)
        self._no_due = REDELIVERY_NO_DUE.make(registry)
        self._dead_letters = REDELIVERY_DEAD_LETTERS.make(registry)
        self._reconnects = REDELIVERY_RECONNECTS.make(registry)

    def waiting(self, tier: str, records: int) -> None:
        self._waiting.labels(tier).set(records)

    def redelivered(self, tier: str, records: int) -> None:
        self._moved.labels(tier).inc(records)

    def without_due_time(self, tier: str) -> None:
        self._no_due.labels(tier).inc()

    def dead_letter(self, code: str) -> None:
        self._dead_letters.labels(code).inc()

    def reconnect(self, error: str) -> None:
        """`error` is the name of the error's class."""
        self._reconnects.labels(error).inc()


class ProjectionMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self._records = PROJECTION_RECORDS.make(registry)
        self._forgotten = PROJECTION_FORGOTTEN.make(registry)
        self._restarts = PROJECTION_RESTARTS.make(registry)
        self._writer = PROJECTION_WRITER.make(registry)

    def folded(self, counts: Mapping[tuple[str, str], int]) -> None:
        """(topic, result) -> records."""
        for (topic, result), count in counts.items():
            self._records.labels(topic, result).inc(count)

    def forgotten(self, classes: int) -> None:
        self._forgotten.inc(classes)

    def restarted(self, error: str) -> None:
        """`error` is the name of the error's class."""
        self._restarts.labels(error).inc()

    def writes(self, writer: bool) -> None:
        self._writer.set(int(writer))


class LagMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self._lag = LAG.make(registry)

    def replace(self, lags: dict[tuple[str, int], int]) -> None:
        """The lag of every partition assigned now; partitions that moved away are no longer shown."""
        self._lag.clear()
        for (topic, partition), lag in lags.items():
            self._lag.labels(topic, str(partition)).set(lag)


@dataclass(frozen=True, kw_only=True)
class Metrics:
    registry: CollectorRegistry
    fold: FoldMetrics
    execute: ExecuteMetrics
    redelivery: RedeliveryMetrics
    projection: ProjectionMetrics
    lag: LagMetrics


def make_metrics() -> Metrics:
    """A registry with all of it, and the process's own CPU, memory and file descriptors."""
    registry = CollectorRegistry(auto_describe=True)
    ProcessCollector(registry=registry)
    return Metrics(
        registry=registry,
        fold=FoldMetrics(registry),
        execute=ExecuteMetrics(registry),
        redelivery=RedeliveryMetrics(registry),
        projection=ProjectionMetrics(registry),
        lag=LagMetrics(registry),
    )
