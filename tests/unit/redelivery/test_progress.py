"""Progress: gauges of what waits, liveness by the loop's turns, and a stall that is noticed."""

from datetime import timedelta

import pytest

from streams.engine.health import StalledError
from streams.engine.redelivery_progress import RedeliveryProgress
from streams.metrics import make_metrics
from tests.unit.redelivery.fakes import TP, FakeConsumer
from tests.unit.redelivery.test_plan import NOW, due


class Setup:
    def __init__(self) -> None:
        self.seconds = 0.0
        self.metrics = make_metrics()
        self.progress = RedeliveryProgress(self.metrics.redelivery, self.metrics.lag, clock=lambda: self.seconds)
        self.consumer = FakeConsumer([due(offset, NOW) for offset in range(10)], [])

    async def turn(self, paused: bool = False) -> None:
        self.seconds += 10
        await self.progress.turn(self.consumer, {TP} if paused else ())


async def test_what_waits_is_shown_per_tier_and_per_partition() -> None:
    setup = Setup()
    setup.consumer.at = 4
    await setup.turn()
    value = setup.metrics.registry.get_sample_value
    assert value("impact_redelivery_waiting", {"tier": "30s"}) == 6
    assert value("impact_consumer_lag", {"topic": TP.topic, "partition": "0"}) == 6
    setup.consumer.at = 10
    await setup.turn()
    assert value("impact_redelivery_waiting", {"tier": "30s"}) == 0


async def test_records_that_are_never_handed_over_end_the_session() -> None:
    setup = Setup()
    for _ in range(7):
        await setup.turn()
    with pytest.raises(StalledError, match="at offset 0 for 70 s"):
        await setup.turn()


@pytest.mark.parametrize("case", ["paused", "moving", "empty"])
async def test_waiting_moving_and_having_nothing_to_do_are_no_stall(case: str) -> None:
    setup = Setup()
    setup.consumer.at = 10 if case == "empty" else 0
    for step in range(9):
        if case == "moving":
            setup.consumer.at = step
        await setup.turn(paused=case == "paused")


async def test_a_loop_that_does_not_turn_is_not_alive() -> None:
    setup = Setup()
    await setup.turn()
    assert setup.progress.health().ok
    setup.seconds += timedelta(minutes=2).total_seconds()
    assert not setup.progress.health().ok
    assert setup.progress.health().detail["seconds_since_last_turn"] == 120


async def test_the_last_failure_is_told_until_all_is_well_again() -> None:
    setup = Setup()
    setup.progress.failed(ConnectionError("no broker"))
    assert setup.progress.health().detail["last_failure"] == "ConnectionError"
    assert setup.metrics.registry.get_sample_value("impact_redelivery_reconnects_total", {"error": "ConnectionError"}) == 1
    await setup.turn()
    assert setup.progress.health().detail["last_failure"] is None
