"""Random histories on a bad day: whatever the booking system publishes and the services do, the calendars end as the oracle has them.

IMPACT_TEST_SEEDS=7,8,9 runs other seeds than the two of every run.
"""

import asyncio
import os
from pathlib import Path

import pytest

from tests.support.run.scenario import LONGEST_REST, RETRY_TIERS, TOKEN_LIFETIME, Scenario, check, end_trouble, make_scenario, trouble
from tests.support.run.system import System, run_system
from tests.support.waiting import eventually

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(600)]

SEEDS = [int(seed) for seed in os.environ.get("IMPACT_TEST_SEEDS", "1,2").split(",")]


@pytest.mark.parametrize("seed", SEEDS)
async def test_after_any_history_and_any_trouble_the_calendars_equal_the_oracle(
    seed: int, settings_env: dict[str, str], tmp_path: Path
) -> None:
    scenario = make_scenario(seed)
    async with run_system(settings_env | {"IMPACT_RETRY_TIERS": RETRY_TIERS, "IMPACT_CALL_TIMEOUT": "4s"}, tmp_path) as system:
        await _live_through(system, scenario)
        await check(system, scenario, timeout=180, exactly_once=True)


async def _live_through(system: System, scenario: Scenario) -> None:
    """Most providers are connected from the start; the rest are while events arrive. One grant is revoked and given again."""
    early, late = scenario.providers[:-4], scenario.providers[-4:]
    first, second, third, fourth = scenario.slices(4)
    await trouble(system.sandbox)
    await asyncio.gather(system.start_all(), system.connect(early))
    await system.publish(first)
    outage = await system.sandbox.fault("google", "status", status=503)
    await asyncio.gather(system.publish(second), system.connect(late))
    await system.sandbox.end_fault(outage)
    await _until_google_is_called_again(system)
    revoked = early[:2]
    for provider in revoked:
        await system.sandbox.revoke(provider.service, provider.email)
    await system.publish(third)
    await system.sandbox.advance(TOKEN_LIFETIME * 2)
    await asyncio.gather(system.publish(fourth), system.connect(revoked))
    await end_trouble(system)


async def _until_google_is_called_again(system: System) -> None:
    """Its circuit is closed: what follows meets the rest of the trouble at both services, not a service that rests."""
    before = await _done_at_google(system)

    async def went_on() -> bool:
        return await _done_at_google(system) > before

    await eventually(went_on, what="a call that Google answers well after its outage", timeout=LONGEST_REST)


async def _done_at_google(system: System) -> int:
    requests = (await system.sandbox.stats())["requests"]
    return sum(
        entry["count"]
        for entry in requests
        if entry["service"] == "google" and 200 <= entry["status"] < 300 and entry["operation"] != "token"
    )
