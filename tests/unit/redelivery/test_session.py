"""One session: confirmed before committed, heads waited for by pausing, and nothing kept over a rebalance."""

import asyncio
from collections.abc import Sequence

import pytest
from aiokafka.errors import CommitFailedError, KafkaTimeoutError, UnknownTopicOrPartitionError

from streams.engine.redelivery_plan import Routes
from streams.engine.redelivery_progress import RedeliveryProgress
from streams.engine.redelivery_session import RedeliverySession
from streams.metrics import make_metrics
from tests.unit.redelivery.fakes import TP, FakeConsumer, FakeProducer
from tests.unit.redelivery.test_plan import NOW, TOPICS, Record, due


def named(offset: int, at: int) -> Record:
    record = due(offset, at)
    record.value = str(offset).encode()
    return record


class Setup:
    """Stops after `polls` polls unless told otherwise; each poll takes 100 ms of the session's time."""

    def __init__(self, records: Sequence[Record], polls: int = 4) -> None:
        self.did: list[str] = []
        self.now = NOW
        self.stopping = asyncio.Event()
        self.consumer = FakeConsumer(records, self.did)
        self.producer = FakeProducer(self.did)
        self.consumer.on_poll = lambda count: self.turn(count, polls)
        metrics = make_metrics()
        self.registry = metrics.registry
        self.session = RedeliverySession(
            consumer=self.consumer,
            producer=self.producer,
            routes=Routes(TOPICS),
            progress=RedeliveryProgress(metrics.redelivery, metrics.lag),
            stopping=self.stopping,
            now=lambda: self.now,
        )

    def turn(self, count: int, polls: int) -> None:
        if count == polls:
            self.stopping.set()
        self.now += 100


async def test_offsets_are_committed_after_every_send_was_confirmed() -> None:
    setup = Setup([named(5, NOW), named(6, NOW), named(9, NOW)])
    await setup.session.run()
    assert setup.did == ["confirmed 5", "confirmed 6", "confirmed 9", "commit 10"]


async def test_a_send_that_fails_commits_nothing_and_ends_the_session() -> None:
    setup = Setup([named(5, NOW), named(6, NOW)])
    setup.producer.failure = KafkaTimeoutError()
    with pytest.raises(KafkaTimeoutError):
        await setup.session.run()
    assert setup.consumer.committed == {}


async def test_a_head_that_is_not_due_is_paused_sought_back_to_and_taken_up_when_due() -> None:
    setup = Setup([named(5, NOW), named(6, NOW + 250)], polls=6)
    await setup.session.run()
    assert setup.did == ["confirmed 5", "commit 6", "confirmed 6", "commit 7"]
    assert not setup.consumer.is_paused


async def test_waiting_goes_on_polling() -> None:
    setup = Setup([named(5, NOW + 3_600_000)], polls=50)
    await setup.session.run()
    assert setup.consumer.polls == 50
    assert setup.consumer.is_paused
    assert setup.consumer.at == 5
    assert setup.did == []


async def test_a_commit_that_a_rebalance_overtook_is_let_go() -> None:
    setup = Setup([named(5, NOW)])
    setup.consumer.commit_error = CommitFailedError("rebalanced")
    await setup.session.run()
    assert setup.did == ["confirmed 5"]


async def test_after_a_rebalance_the_heads_are_met_again() -> None:
    setup = Setup([named(5, NOW + 500)], polls=8)
    turn = setup.consumer.on_poll

    def rebalance(count: int) -> None:
        turn(count)
        if count == 3:
            asyncio.ensure_future(setup.session.on_partitions_revoked([TP]))  # noqa: RUF006 - runs at the next turn
            setup.consumer.is_paused = False
            setup.consumer.at = 5

    setup.consumer.on_poll = rebalance
    await setup.session.run()
    assert setup.did == ["confirmed 5", "commit 6"]
    assert setup.now >= NOW + 500


async def test_topics_that_are_not_there_are_named() -> None:
    setup = Setup([])
    setup.consumer.known = {TOPICS.retry(TOPICS.tiers[0])}
    with pytest.raises(UnknownTopicOrPartitionError, match="retry-5m; `impact-calendar topics apply`"):
        await setup.session.run()


async def test_what_it_did_is_counted() -> None:
    setup = Setup([named(5, NOW), Record(offset=6)])
    await setup.session.run()
    assert setup.registry.get_sample_value("impact_redelivery_redelivered_total", {"tier": "30s"}) == 2
    assert setup.registry.get_sample_value("impact_redelivery_without_due_time_total", {"tier": "30s"}) == 1
