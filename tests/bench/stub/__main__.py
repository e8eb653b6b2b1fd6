"""`python -m tests.bench.stub MILLISECONDS`: the stub as a process of its own. Says `listening on PORT`; ends on SIGTERM."""

import asyncio
import signal
import sys

import uvloop

from tests.bench.stub.http import serve
from tests.bench.stub.services import Stub


async def run(latency: float) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    server, port = await serve(Stub(latency))
    print(f"listening on {port}", flush=True)
    await stop.wait()
    server.close()


if __name__ == "__main__":
    uvloop.run(run(float(sys.argv[1]) / 1000))
