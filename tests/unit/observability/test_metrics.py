"""The list of metrics: names that Prometheus and its linters like, small closed labels, one registry each."""

import re

from prometheus_client import Counter, Histogram, generate_latest

from schemas.connections import Service
from schemas.intents import Lane
from schemas.outcomes import OutcomeKind
from streams.metrics import ALL, make_metrics


def test_names_are_unique_prefixed_and_without_the_endings_that_prometheus_adds() -> None:
    names = [spec.name for spec in ALL]
    assert len(set(names)) == len(names)
    for spec in ALL:
        assert re.fullmatch(r"impact_[a-z_]+", spec.name)
        assert not spec.name.endswith(("_total", "_count", "_sum", "_bucket"))
        assert spec.help
        assert (spec.kind is Histogram) == bool(spec.buckets)


def test_no_label_can_hold_an_id_of_a_person_or_a_class() -> None:
    assert {label for spec in ALL for label in spec.labels} == {
        "result", "code", "lane", "kind", "service", "operation", "tier", "error", "topic", "partition",
    }  # fmt: skip


def test_two_registries_know_nothing_of_each_other() -> None:
    first, second = make_metrics(), make_metrics()
    first.fold.forgotten(3)
    assert first.registry.get_sample_value("impact_fold_forgotten_total") == 3
    assert second.registry.get_sample_value("impact_fold_forgotten_total") == 0


def test_every_metric_of_the_list_is_in_the_registry() -> None:
    exposed = generate_latest(make_metrics().registry).decode()
    for spec in ALL:
        ending = "_total" if spec.kind is Counter else ""
        assert f"# TYPE {spec.name}{ending} " in exposed


def test_the_fold_counts_a_chunk() -> None:
    metrics = make_metrics()
    metrics.fold.folded(folded=5, repeats=1, gaps=1, intents=2)
    metrics.fold.dead_letter("not_json")
    value = metrics.registry.get_sample_value
    assert value("impact_fold_events_total", {"result": "folded"}) == 5
    assert value("impact_fold_events_total", {"result": "repeat"}) == 1
    assert value("impact_fold_version_gaps_total") == 1
    assert value("impact_fold_intents_total") == 2
    assert value("impact_fold_dead_letters_total", {"code": "not_json"}) == 1


def test_execute_counts_calls_outcomes_and_what_waits() -> None:
    metrics = make_metrics()
    execute, value = metrics.execute, metrics.registry.get_sample_value
    execute.intents(Lane.BULK)
    execute.intents(Lane.BULK)
    execute.outcome(OutcomeKind.WAITING, None)
    execute.outcome(OutcomeKind.CREATED, Service.GOOGLE)
    execute.call_began(Service.GOOGLE)
    assert value("impact_execute_calls_in_flight", {"service": "google"}) == 1
    execute.call_ended(Service.GOOGLE, "create", "ok", 0.15)
    execute.parked(Service.MICROSOFT, 7)
    execute.circuit(Service.MICROSOFT, 2)
    execute.token_refresh(Service.MICROSOFT, "rotated")
    execute.grant_died(Service.GOOGLE)
    execute.shown(Service.GOOGLE, 1.5)
    execute.connection_event("older")
    assert value("impact_execute_intents_total", {"lane": "bulk"}) == 2
    assert value("impact_execute_outcomes_total", {"kind": "waiting", "service": "none"}) == 1
    assert value("impact_execute_outcomes_total", {"kind": "created", "service": "google"}) == 1
    assert value("impact_execute_calls_in_flight", {"service": "google"}) == 0
    assert value("impact_execute_calls_total", {"service": "google", "operation": "create", "result": "ok"}) == 1
    assert value("impact_execute_call_seconds_sum", {"service": "google", "operation": "create"}) == 0.15
    assert value("impact_execute_parked_entries", {"service": "microsoft"}) == 7
    assert value("impact_execute_circuit_state", {"service": "microsoft"}) == 2
    assert value("impact_execute_token_refreshes_total", {"service": "microsoft", "result": "rotated"}) == 1
    assert value("impact_execute_grants_died_total", {"service": "google"}) == 1
    assert value("impact_execute_delay_seconds_sum", {"service": "google"}) == 1.5
    assert value("impact_execute_connection_events_total", {"result": "older"}) == 1


def test_the_read_model_counts_records_and_restarts_and_says_whether_it_writes() -> None:
    metrics = make_metrics()
    projection, value = metrics.projection, metrics.registry.get_sample_value
    projection.folded({("booking.class-events.v1", "folded"): 5, ("booking.class-events.v1", "skipped"): 1})
    projection.restarted("OperationalError")
    projection.restarted("OperationalError")
    projection.writes(True)
    assert value("impact_read_model_records_total", {"topic": "booking.class-events.v1", "result": "folded"}) == 5
    assert value("impact_read_model_records_total", {"topic": "booking.class-events.v1", "result": "skipped"}) == 1
    assert value("impact_read_model_restarts_total", {"error": "OperationalError"}) == 2
    assert value("impact_read_model_writer") == 1
    projection.writes(False)
    assert value("impact_read_model_writer") == 0


def test_the_lag_of_partitions_that_moved_away_is_no_longer_shown() -> None:
    metrics = make_metrics()
    metrics.lag.replace({("t", 0): 5, ("t", 1): 6})
    metrics.lag.replace({("t", 1): 4})
    value = metrics.registry.get_sample_value
    assert value("impact_consumer_lag", {"topic": "t", "partition": "1"}) == 4
    assert value("impact_consumer_lag", {"topic": "t", "partition": "0"}) is None
