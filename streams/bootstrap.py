"""The composition root: from settings to apps. Tests hand fakes in here."""

from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any

from adapters.vault.seal import KeyRing
from schemas.access import access_of
from schemas.intents import Lane
from streams.agents.actions import Actions
from streams.agents.agendas import Agendas
from streams.agents.calls import Calls
from streams.agents.connection_intake import ConnectionIntake
from streams.agents.connections import Connections
from streams.agents.endings import Endings
from streams.agents.execute import Executor
from streams.agents.fold import FoldPolicy, FoldWork
from streams.agents.intake import ExecutePolicy, ExecuteWork
from streams.agents.results import Results
from streams.agents.services import Services
from streams.calendar_services import Adapters, real_adapters
from streams.domain.agenda import is_newer_agenda
from streams.domain.circuit import CircuitPolicy
from streams.domain.connection import is_newer_connection
from streams.domain.retry import RetryPolicy
from streams.domain.state import is_newer_state
from streams.engine.app import AppConfig, EngineApp, broker_credentials, make_app
from streams.engine.health import HealthServer
from streams.engine.kafka_clients import admin_options, connection_options, producer_options
from streams.engine.liveness import OffsetProgress
from streams.engine.preflight import wait_for_topics
from streams.engine.producer import ConfirmedProducer
from streams.engine.slots import Slot, claim_slot
from streams.metrics import Metrics, make_metrics
from streams.settings import SettingError, Settings

__all__ = ["execute_app", "fold_app"]

#: Records that the execute worker takes from a partition at once.
EXECUTE_CHUNK = 200
FOLD_CHUNK = 4_000
#: A service goes on with a request whose answer nobody awaits any more: its event may appear until so many time-outs after the call began.
SETTLE_CALLS = 3
#: Seconds between small steps of forgetting, and between looks at circuits whose rest is over.
FORGET_EVERY = 10.0
PROBE_EVERY = 0.5


def fold_app(settings: Settings, metrics: Metrics | None = None) -> EngineApp:
    """The fold worker: class events in, intents out."""
    metrics = metrics or make_metrics()
    topics = settings.topics
    app, producer = _app(settings, topics.fold_app, "fold", chunk=FOLD_CHUNK, buffered_chunks=32)
    work = FoldWork(
        topics=topics,
        table=app.changelog_table("classes", is_newer=is_newer_state),
        producer=producer,
        offsets=app.offsets,
        metrics=metrics.fold,
        policy=FoldPolicy(forget_after_days=settings.forget_after_days),
        crash=app.crash,
        now=_now,
    )
    app.worklist = work
    app.agent(app.raw_topic(topics.class_events), name="fold")(work.run)
    app.every(FORGET_EVERY, work.forget)
    _observe(app, settings, metrics)
    return app


def execute_app(settings: Settings, adapters: Adapters | None = None, metrics: Metrics | None = None) -> EngineApp:
    """The execute worker: intents and connections in, calls to calendar services and outcomes out."""
    shortest = settings.call_timeout * 1.5  # a call goes out only when it ends within the session, by the lease
    if settings.session_timeout < shortest:
        expects = f"at least 1.5 times IMPACT_CALL_TIMEOUT ({settings.call_timeout.total_seconds():.0f}s)"
        example, problem = f"{ceil(shortest.total_seconds())}s", f"is {settings.session_timeout.total_seconds():.0f}s"
        raise SettingError("IMPACT_SESSION_TIMEOUT", expects, example, problem)
    ring = KeyRing(settings.require_vault_keys())
    adapters = adapters or real_adapters(settings)
    metrics = metrics or make_metrics()
    app, producer = _app(settings, settings.topics.execute_app, "execute", chunk=EXECUTE_CHUNK, buffered_chunks=8)
    work = _execute_work(app, producer, settings, ring, adapters, metrics)
    app.worklist = work
    if adapters.http is not None:
        adapters.http.only_if(lambda: app.lease.left > 0)
    app.closing.append(adapters.close)
    app.agent(app.raw_topic(settings.topics.intents), name="execute-live")(work.agent(Lane.LIVE))
    app.agent(app.raw_topic(settings.topics.intents_bulk), name="execute-bulk")(work.agent(Lane.BULK))
    app.agent(app.raw_topic(settings.topics.connections), name="connections")(work.events.run)
    app.every(FORGET_EVERY, work.forget)
    app.every(PROBE_EVERY, work.services.probe)
    _observe(app, settings, metrics)
    return app


def _execute_work(
    app: EngineApp, producer: ConfirmedProducer, settings: Settings, ring: KeyRing, adapters: Adapters, metrics: Metrics
) -> ExecuteWork:
    topics = settings.topics
    agendas = Agendas(topics=topics, table=app.changelog_table("agenda", is_newer=is_newer_agenda), producer=producer, now=_now)
    connections = Connections(
        topics=topics,
        table=app.changelog_table("connections", is_newer=is_newer_connection),
        producer=producer,
        ring=ring,
        token_ports=adapters.tokens,
        observe_refresh=metrics.execute.token_refresh,
        observe_death=metrics.execute.grant_died,
        now=_now,
    )
    services = Services(calendars=adapters.calendars, policy=CircuitPolicy(), metrics=metrics.execute)
    results = Results(topics=topics, producer=producer, policy=RetryPolicy(tiers=settings.retry_tiers), metrics=metrics.execute, now=_now)
    calls = Calls(connections=connections, metrics=metrics.execute, hold=lambda: app.lease.hold(settings.call_timeout.total_seconds()))
    actions = Actions(
        agendas=agendas,
        connections=connections,
        services=services,
        calls=calls,
        settle=settings.call_timeout * SETTLE_CALLS,
        now=_now,
    )
    endings = Endings(agendas=agendas, connections=connections, services=services, results=results, actions=actions, now=_now)
    executor = Executor(
        agendas=agendas, connections=connections, services=services, endings=endings, actions=actions, crash=app.crash, now=_now
    )
    return ExecuteWork(
        topics=topics,
        producer=producer,
        offsets=app.offsets,
        agendas=agendas,
        connections=connections,
        events=ConnectionIntake(connections=connections, offsets=app.offsets, observe=metrics.execute.connection_event),
        services=services,
        executor=executor,
        metrics=metrics.execute,
        policy=ExecutePolicy(
            unacked={Lane.LIVE: 2_000, Lane.BULK: 500},
            drain=_drain(settings),
            forget_after_days=settings.forget_after_days,
        ),
        now=_now,
    )


def _app(settings: Settings, app_id: str, name: str, *, chunk: int, buffered_chunks: int) -> tuple[EngineApp, ConfirmedProducer]:
    kafka = settings.kafka
    client: dict[str, Any] = connection_options(kafka)
    producer = ConfirmedProducer(producer_options(kafka))
    slot = _slot(settings, name)
    config = AppConfig(
        app_id=app_id,
        brokers=kafka.bootstrap_servers,
        client=client,
        credentials=broker_credentials(
            client.get("ssl_context"), client.get("sasl_mechanism"), client.get("sasl_plain_username"), client.get("sasl_plain_password")
        ),
        partitions=settings.topic_partitions,
        store=settings.table_store,
        directory=slot.directory,
        chunk=chunk,
        buffered_chunks=buffered_chunks,
        session_timeout=settings.session_timeout,
        rebalance_timeout=max(timedelta(seconds=60), _drain(settings) * 2),
    )
    app = make_app(config, producer)
    app.slot = slot
    app.opening.insert(0, wait_for_topics(admin_options(kafka), settings.topics, access_of(name, settings.topics)))
    return app, producer


def _slot(settings: Settings, name: str) -> Slot:
    """Raises SettingError when the data directory cannot be written."""
    try:
        return claim_slot(settings.data_dir, name)
    except OSError as error:
        problem = f"is {str(settings.data_dir)!r}: {error.strerror}"
        raise SettingError("IMPACT_DATA_DIR", "a directory that can be written", "/var/lib/impact-calendar", problem) from None


def _drain(settings: Settings) -> timedelta:
    """How long running calls may take when a partition moves: one that began just before, and one after a refreshed token."""
    return settings.call_timeout * 2 + timedelta(seconds=5)


def _observe(app: EngineApp, settings: Settings, metrics: Metrics) -> None:
    progress = OffsetProgress(app, metrics.lag)
    app.every(1.0, progress.look)
    server = HealthServer(port=settings.metrics_port, registry=metrics.registry, liveness=progress.health)
    app.opening.insert(0, server.start)  # whether it lives is asked also while it waits for its brokers
    app.closing.append(server.stop)


def _now() -> datetime:
    return datetime.now(UTC)
