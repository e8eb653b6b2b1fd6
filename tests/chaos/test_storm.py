"""Kill storms: two processes of each worker, killed over and over while a thousand classes change; the end is as the oracle has it.

Settings: IMPACT_STORM_SEEDS=1,2,3; IMPACT_STORM_KILLS=12, how often each process is killed; IMPACT_STORM_CLASSES=1000; and of the soak,
which starts storm after storm, IMPACT_SOAK_HOURS=8.
"""

import asyncio
import os
import random
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.chaos.violence import SETTINGS, kill_again_and_again, publish_slowly, supervised
from tests.support.run.scenario import RETRY_TIERS, check, end_trouble, make_scenario, trouble
from tests.support.run.system import READY, run_system

pytestmark = pytest.mark.kafka

SEEDS = [int(seed) for seed in os.environ.get("IMPACT_STORM_SEEDS", "101,102").split(",")]
KILLS = int(os.environ.get("IMPACT_STORM_KILLS", "12"))
CLASSES = int(os.environ.get("IMPACT_STORM_CLASSES", "1000"))
SOAK_HOURS = float(os.environ.get("IMPACT_SOAK_HOURS", "8"))
#: From one kill of a process to the next, on the average.
SECONDS_A_KILL = 8


@pytest.mark.storm
@pytest.mark.parametrize("seed", SEEDS)
async def test_a_storm_of_kills_changes_nothing_in_the_end(seed: int, settings_env: dict[str, str], tmp_path: Path) -> None:
    await _storm(seed, settings_env, tmp_path)


@pytest.mark.soak
async def test_storm_after_storm_changes_nothing_in_the_end(settings_env: dict[str, str], tmp_path: Path) -> None:
    deadline, seed = time.monotonic() + SOAK_HOURS * 3600, SEEDS[0]
    while time.monotonic() < deadline:
        directory = tmp_path / str(seed)
        own = {"IMPACT_TOPIC_PREFIX": f"{settings_env['IMPACT_TOPIC_PREFIX']}{seed}.", "IMPACT_DATA_DIR": str(directory / "data")}
        await _storm(seed, settings_env | own, directory)
        seed += 1


async def _storm(seed: int, env: Mapping[str, str], directory: Path) -> None:
    scenario = make_scenario(seed, classes=CLASSES, providers=40)
    async with run_system({**env, **SETTINGS, "IMPACT_RETRY_TIERS": RETRY_TIERS}, directory) as system:
        await trouble(system.sandbox, rate=0.015, latency_ms=300)
        for command in READY:
            system.start(command, f"{command}-a")
            system.start(command, f"{command}-b")
        await system.connect(scenario.providers)
        await asyncio.gather(
            publish_slowly(system, scenario.slices(400), seconds=KILLS * SECONDS_A_KILL * 0.8),
            *(kill_again_and_again(system, name, random.Random(f"{seed} {name}"), times=KILLS, longest_life=10) for name in system.workers),
        )
        async with supervised(system):
            await end_trouble(system)
            await check(system, scenario, timeout=300, exactly_once=False)
