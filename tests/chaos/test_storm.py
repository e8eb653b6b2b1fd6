"""Kill storms: two processes of each worker, killed over and over while a thousand classes change; the end is as the oracle has it.

Settings: IMPACT_STORM_SEEDS=1,2,3; IMPACT_STORM_KILLS=12, how often each process is killed; IMPACT_STORM_CLASSES=1000.
"""

import asyncio
import os
import random
from pathlib import Path

import pytest

from tests.chaos.violence import SETTINGS, kill_again_and_again, publish_slowly
from tests.support.run.scenario import RETRY_TIERS, check, end_trouble, make_scenario, trouble
from tests.support.run.system import READY, run_system

pytestmark = [pytest.mark.kafka, pytest.mark.storm]

SEEDS = [int(seed) for seed in os.environ.get("IMPACT_STORM_SEEDS", "101,102").split(",")]
KILLS = int(os.environ.get("IMPACT_STORM_KILLS", "12"))
CLASSES = int(os.environ.get("IMPACT_STORM_CLASSES", "1000"))
#: From one kill of a process to the next, on the average.
SECONDS_A_KILL = 8


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_storm_of_kills_changes_nothing_in_the_end(seed: int, settings_env: dict[str, str], tmp_path: Path) -> None:
    scenario = make_scenario(seed, classes=CLASSES, providers=40)
    async with run_system(settings_env | SETTINGS | {"IMPACT_RETRY_TIERS": RETRY_TIERS}, tmp_path) as system:
        await trouble(system.sandbox, rate=0.015, latency_ms=300)
        for command in READY:
            system.start(command, f"{command}-a")
            system.start(command, f"{command}-b")
        await system.connect(scenario.providers)
        await asyncio.gather(
            publish_slowly(system, scenario.slices(400), seconds=KILLS * SECONDS_A_KILL * 0.8),
            *(kill_again_and_again(system, name, random.Random(f"{seed} {name}"), times=KILLS, longest_life=10) for name in system.workers),
        )
        await end_trouble(system)
        await check(system, scenario, timeout=300, exactly_once=False)
