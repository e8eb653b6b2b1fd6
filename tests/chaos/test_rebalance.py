"""Partitions move while the work goes on: another worker joins and leaves, a worker is frozen for longer than its session.

IMPACT_STORM_SEEDS=31,32 names the seeds of the latter.
"""

import asyncio
import os
import random
from pathlib import Path

import pytest

from tests.chaos.violence import SETTINGS, freeze, join_and_leave, publish_slowly, supervised
from tests.support.run.scenario import RETRY_TIERS, check, end_trouble, make_scenario, trouble
from tests.support.run.system import run_system

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(600)]

SEEDS = [int(seed) for seed in os.environ.get("IMPACT_STORM_SEEDS", "31,32,33").split(",")]


async def test_workers_may_join_and_leave_at_any_time(settings_env: dict[str, str], tmp_path: Path) -> None:
    scenario = make_scenario(21)
    async with run_system(settings_env | SETTINGS | {"IMPACT_RETRY_TIERS": RETRY_TIERS}, tmp_path) as system:
        await trouble(system.sandbox, latency_ms=150)
        await asyncio.gather(system.start_all(), system.connect(scenario.providers))
        async with supervised(system):
            await asyncio.gather(
                publish_slowly(system, scenario.slices(60), seconds=20),
                join_and_leave(system, "execute", random.Random(1), times=2),
                join_and_leave(system, "fold", random.Random(2), times=2),
            )
            await end_trouble(system)
            await check(system, scenario, timeout=180, exactly_once=False)


@pytest.mark.storm
@pytest.mark.parametrize("seed", SEEDS)
async def test_a_worker_that_wakes_up_after_its_partitions_went_does_no_harm(
    seed: int, settings_env: dict[str, str], tmp_path: Path
) -> None:
    scenario, rng = make_scenario(seed), random.Random(seed)
    async with run_system(settings_env | SETTINGS | {"IMPACT_RETRY_TIERS": RETRY_TIERS}, tmp_path) as system:
        await trouble(system.sandbox, latency_ms=300)
        for command in ("fold", "execute"):
            system.start(command, f"{command}-other")
        await asyncio.gather(system.start_all(), system.connect(scenario.providers))
        await asyncio.gather(
            publish_slowly(system, scenario.slices(100), seconds=45),
            *(freeze(system, name, rng, times=3) for name in ("fold", "execute", "redeliver")),
        )
        async with supervised(system):
            await end_trouble(system)
            await check(system, scenario, timeout=120, exactly_once=False)
