"""The month page of an administrator, who sees everybody's classes: from the request to the last byte, one after another."""

import statistics
import time
from datetime import date
from pathlib import Path

import aiohttp

from schemas.connections import Service
from tests.bench.answers import WrongAnswerError
from tests.bench.portal_bench import portal_running
from tests.bench.portal_world import Provider, sign_in
from tests.bench.workload import Backlog

__all__ = ["month_page_ms"]

#: The workload's classes lie in March to June of that year: this month is full.
_MONTH = date(2031, 4, 15)
_LOADS = 20


async def month_page_ms(backlog: Backlog, bootstrap: str, directory: Path, env: dict[str, str]) -> float:
    """The median in ms, of a portal over the database that `env` names. Raises WrongAnswerError, TimeoutError."""
    boss = Provider(sub="user_boss", service=Service.GOOGLE)
    async with portal_running(bootstrap, directory, env) as (_, sandbox, port):
        portal = f"http://127.0.0.1:{port}"
        reader = await sign_in(boss, portal=portal, sandbox=sandbox, groups=("administrators",))
        headers = {"cookie": reader.cookie, "accept": "text/html"}
        expected, took = f'<span class="strong">{_classes(backlog):,}</span> classes', []
        async with aiohttp.ClientSession(headers=headers) as http:
            for _ in range(_LOADS):
                began = time.perf_counter()
                async with http.get(f"{portal}/manage/classes?on={_MONTH}", allow_redirects=False) as answer:
                    text = await answer.text()
                took.append((time.perf_counter() - began) * 1000)
                if answer.status != 200 or expected not in text:
                    raise WrongAnswerError(f"portal: the month page answered {answer.status}, without {expected!r}")
    return statistics.median(took)


def _classes(backlog: Backlog) -> int:
    days = (state.details.starts_at.date() for state in backlog.expected.states.values() if state.details is not None)
    return sum((day.year, day.month) == (_MONTH.year, _MONTH.month) for day in days)
