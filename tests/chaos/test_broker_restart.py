"""kill -9 of the broker in the middle of a random run: workers ride it out, or end with an error and are started again; the same end.

IMPACT_STORM_SEEDS=41,42 names the seeds.
"""

import asyncio
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.kafka.broker import LocalKafka
from tests.chaos.violence import SETTINGS, publish_slowly, supervised
from tests.support.run.scenario import RETRY_TIERS, check, end_trouble, make_scenario, trouble
from tests.support.run.system import run_system

pytestmark = [pytest.mark.kafka, pytest.mark.storm]

SEEDS = [int(seed) for seed in os.environ.get("IMPACT_STORM_SEEDS", "41,42").split(",")]
#: How long the broker is away: shorter and longer than the workers' session. Starting it takes some seconds more.
AWAY = (0.0, 8.0)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[LocalKafka]:
    """One of the test's own, which keeps what it holds when it is killed."""
    with LocalKafka(data_dir=tmp_path / "broker") as broker:
        yield broker


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_broker_that_is_killed_and_comes_back_costs_nothing(
    seed: int, settings_env: dict[str, str], broker: LocalKafka, tmp_path: Path
) -> None:
    scenario, rng = make_scenario(seed), random.Random(seed)
    env = settings_env | SETTINGS | {"IMPACT_RETRY_TIERS": RETRY_TIERS, "IMPACT_KAFKA_BOOTSTRAP_SERVERS": broker.bootstrap_servers}
    async with run_system(env, tmp_path) as system:
        await trouble(system.sandbox, latency_ms=150)
        await asyncio.gather(system.start_all(), system.connect(scenario.providers))
        async with supervised(system):
            await asyncio.gather(publish_slowly(system, scenario.slices(60), seconds=30), _kill_broker(broker, rng))
            await end_trouble(system)
            await check(system, scenario, timeout=150, exactly_once=False)


async def _kill_broker(broker: LocalKafka, rng: random.Random) -> None:
    for seconds in AWAY:
        await asyncio.sleep(rng.uniform(3, 8))
        broker.kill()
        await asyncio.sleep(seconds)
        await asyncio.to_thread(broker.start)
