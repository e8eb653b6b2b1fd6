"""A seeded random run: what is published, what the calendar services do meanwhile, and the verdict at the end."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from schemas.codec import decode_outcome
from tests.support.histories import History, Line, random_history
from tests.support.run.evidence import explain
from tests.support.run.leaks import check_nothing_leaked
from tests.support.run.sandbox import SandboxProcess
from tests.support.run.system import Provider, System, providers_of
from tests.support.run.topics import read_topic, wait_until_idle, wait_until_taken
from tests.support.run.verdict import calendars, check_dead_letters, check_nothing_twice, differences, expected_calendars

__all__ = ["RETRY_TIERS", "Scenario", "check", "end_trouble", "make_scenario", "trouble"]

log = logging.getLogger(__name__)

#: Their sum is longer than the trouble lasts, so that no intent uses its attempts up.
RETRY_TIERS = "1s,2s,3s,4s,5s,6s,7s,8s,9s,10s,11s,12s"
#: How long an entry may rest after the last failure of its service: a circuit rests for a minute at most, and a machine may be slow.
LONGEST_REST = 90.0
#: Access tokens of both services live this long.
TOKEN_LIFETIME = 3600.0


@dataclass(frozen=True, kw_only=True)
class Scenario:
    seed: int
    history: History
    providers: tuple[Provider, ...]

    def slices(self, count: int) -> list[Sequence[Line]]:
        """The lines in publishing order, cut into about so many runs."""
        lines, size = self.history.lines, max(1, -(-len(self.history.lines) // count))
        return [lines[start : start + size] for start in range(0, len(lines), size)]


def make_scenario(seed: int, *, classes: int = 200, providers: int = 20) -> Scenario:
    """Its times start from midnight of today in UTC: a seed gives the same run all day."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    history = random_history(seed, today, classes=classes, providers=providers)
    return Scenario(seed=seed, history=history, providers=providers_of(history.providers))


async def trouble(sandbox: SandboxProcess, *, rate: float = 0.03, latency_ms: float = 60) -> None:
    """What calendar services do on a bad day, until `end_trouble`: each kind once for certain, then at its `rate` of the requests.

    The first of each is ordered for certain, since a service that rests for most of a run gets too few requests for the dice.
    """
    orders: list[tuple[str, str, dict[str, Any]]] = [
        ("*", "status", {"status": 429, "retry_after": 1, "rate": rate}),
        *(
            ("google", "status", {"status": 403, "reason": "rateLimitExceeded", "operation": operation, "rate": rate * 3})
            for operation in ("create", "update", "delete")
        ),
        ("*", "status", {"status": 503, "rate": rate}),
        ("*", "status", {"status": 500, "keep_work": True, "rate": rate * 2}),
        ("*", "drop_before", {"rate": rate}),
        ("*", "drop_after", {"rate": rate}),
        ("*", "latency", {"latency_ms": latency_ms, "rate": 0.5}),
    ]
    for service, kind, order in orders:
        await sandbox.fault(service, kind, **order | {"rate": 1.0, "times": 1})
    for service, kind, order in orders:
        await sandbox.fault(service, kind, **order)


async def end_trouble(system: System) -> None:
    """When everything published was tried at least once. AssertionError when a kind of trouble never came: the run was too easy."""
    await wait_until_taken(system.settings, timeout=150)
    struck: Counter[str] = Counter()
    for fault in await system.sandbox.faults():
        struck[f"{fault['kind']} {fault['status']}"] += fault["hits"]
    await system.sandbox.end_faults()
    assert all(struck.values()), f"some trouble never struck: {dict(struck)}"


async def check(system: System, scenario: Scenario, *, timeout: float, exactly_once: bool) -> None:
    """Wait for the end of the work, then everything that must be true. `exactly_once`: no worker was killed."""
    await _wait_for_calendars(system, scenario, timeout)
    await check_dead_letters(system, scenario.history, exactly_once=exactly_once)
    await check_nothing_twice(system.sandbox, scenario.providers)
    stats = await system.sandbox.stats()
    if exactly_once:
        assert stats["max_concurrency"] <= 4, f"{stats['max_concurrency']} calls at once for one mailbox"
    await check_nothing_leaked(system, scenario.providers)
    await _log_what_happened(system, scenario, stats)


async def _log_what_happened(system: System, scenario: Scenario, stats: Mapping[str, Any]) -> None:
    """How hard the run was, for whoever runs it by hand (`-o log_cli=true --log-level=info`)."""
    outcomes = await read_topic(system.settings, system.settings.topics.outcomes)
    kinds = Counter(decode_outcome(record.value).kind.value for record in outcomes)
    requests = Counter(f"{entry['operation']} {entry['status'] or 'cut'}" for entry in stats["requests"] for _ in range(entry["count"]))
    lines = dict(scenario.history.expected)
    log.info("seed %s: lines %s; outcomes %s; requests %s; %s stand", scenario.seed, lines, dict(kinds), dict(requests), stats["standing"])


async def _wait_for_calendars(system: System, scenario: Scenario, timeout: float) -> None:
    """An entry may rest in the agenda, without lag, until its service is well: so wrong calendars are looked at again."""
    expected = expected_calendars(scenario.history, scenario.providers)
    deadline = time.monotonic() + timeout
    looked_until = None
    while True:
        await wait_until_idle(system.settings, timeout=max(deadline - time.monotonic(), 1))
        wrong = differences(expected, await calendars(system.sandbox, scenario.providers))
        if not wrong:
            return
        looked_until = looked_until or time.monotonic() + LONGEST_REST
        if time.monotonic() > looked_until:
            by_id = {provider.provider_id: provider for provider in scenario.providers}
            raise AssertionError(f"seed {scenario.seed}: " + await explain(system, by_id, wrong))
        await asyncio.sleep(0.5)
