"""The sandbox as a process of its own."""

import asyncio
import os
import signal
import sys

import aiohttp
import pytest

from infra.sandbox.server import serve

SCRIPT = """
from infra.sandbox.server import run
run(on_ready=lambda sandbox: print(sandbox.base_url, flush=True))
print("ended", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_cleanly_while_a_request_is_under_way(number: signal.Signals) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SCRIPT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env={**os.environ}
    )
    assert process.stdout is not None
    base = (await asyncio.wait_for(process.stdout.readline(), 60)).decode().strip()
    async with aiohttp.ClientSession() as http:
        order = {"service": "google", "kind": "latency", "latency_ms": 60_000}
        async with http.post(f"{base}/control/faults", json=order) as answer:
            assert answer.status == 201
        waiting = asyncio.create_task(http.get(f"{base}/calendar/v3/calendars/primary/events").__aenter__())
        async with http.get(f"{base}/healthz") as answer:
            assert answer.status == 200
        process.send_signal(number)
        output, errors = await asyncio.wait_for(process.communicate(), 60)
        with pytest.raises(aiohttp.ClientError):
            await waiting
    assert (process.returncode, output.decode().strip(), errors.decode()) == (0, "ended", "")


async def test_a_port_that_is_taken_is_an_error_at_once() -> None:
    sandbox = await serve()
    try:
        with pytest.raises(OSError, match=str(sandbox.port)):
            await serve(port=sandbox.port)
    finally:
        await sandbox.close()


async def test_two_sandboxes_share_nothing() -> None:
    first, second = await serve(), await serve()
    try:
        async with aiohttp.ClientSession() as http:
            grant = {"service": "google", "email": "ana@impact.example"}
            async with http.post(f"{first.base_url}/control/grants", json=grant) as answer:
                assert answer.status == 201
            async with http.get(f"{second.base_url}/control/calendars") as answer:
                assert await answer.json() == {"calendars": []}
    finally:
        await first.close()
        await second.close()
