"""kill -9 of every worker in the middle of a random run: the same end as without.

IMPACT_TEST_SEEDS=7,8,9 runs other seeds than the one of every run.
"""

import asyncio
import os
import random
from pathlib import Path

import pytest

from tests.chaos.violence import SETTINGS, kill_again_and_again, publish_slowly, supervised
from tests.support.run.scenario import RETRY_TIERS, check, end_trouble, make_scenario, trouble
from tests.support.run.system import READY, run_system

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(600)]

SEEDS = [int(seed) for seed in os.environ.get("IMPACT_TEST_SEEDS", "11").split(",")]


@pytest.mark.parametrize("seed", SEEDS)
async def test_killed_workers_go_on_where_they_were(seed: int, settings_env: dict[str, str], tmp_path: Path) -> None:
    scenario = make_scenario(seed)
    async with run_system(settings_env | SETTINGS | {"IMPACT_RETRY_TIERS": RETRY_TIERS}, tmp_path) as system:
        await trouble(system.sandbox, latency_ms=150)
        await asyncio.gather(system.start_all(), system.connect(scenario.providers))
        await asyncio.gather(
            publish_slowly(system, scenario.slices(60), seconds=20),
            *(kill_again_and_again(system, name, random.Random(f"{seed} {name}"), times=2, longest_life=4) for name in READY),
        )
        async with supervised(system):
            await end_trouble(system)
            await check(system, scenario, timeout=180, exactly_once=False)
