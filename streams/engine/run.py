"""Run a Faust app in the foreground: our logging, stop on SIGTERM, an exit status that says what happened."""

import asyncio
import sys
from typing import Any

import faust
import uvloop
from mode.worker import Worker as ModeWorker

from streams.engine.app import EngineApp
from streams.engine.interpreter import settle
from streams.engine.not_ready import NotReadyError
from streams.settings import SettingError

__all__ = ["run_app", "use_fast_loops"]

#: Records in flight are many and short-lived, and almost none is part of a cycle: the young generation may grow before it is searched.
YOUNG_OBJECTS = 20_000


def use_fast_loops() -> None:
    """Loops made from now on are uvloop's. Call it before the app is made, which keeps the loop that there is then."""
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())


class Worker(faust.Worker):  # type: ignore[misc]
    """faust.Worker without its own logging set-up, stdout redirection and spinner."""

    #: What kept it from starting.
    not_ready: NotReadyError | SettingError | None = None

    async def start(self) -> None:
        """Returns also when the world is not ready: Mode would log a traceback."""
        try:
            await super().start()
        except (NotReadyError, SettingError) as error:
            self.not_ready = error

    def on_setup_root_logger(self, logger: Any, level: int) -> None:
        """Logging is configured already."""

    async def on_first_start(self) -> None:
        await ModeWorker.default_on_first_start(self)


def run_app(app: EngineApp) -> None:
    """Blocks until a signal, then returns; exits 1 when the app could not start or crashed, so that whoever supervises it starts it again.

    Raises SettingError when the brokers refuse what a setting says.
    """
    settle(young_objects=YOUNG_OBJECTS, older=(20, 20))
    worker = Worker(app, override_logging=False, redirect_stdouts=False, quiet=True, console_port=None)
    worker.spinner = None
    try:
        worker.execute_from_commandline()
    except SystemExit as stop:
        if stop.code not in (0, None):
            _say_why(app.crash_reason or worker.crash_reason or stop.__context__)
            raise
    if worker.not_ready is not None or app.crashed:
        _say_why(worker.not_ready or app.crash_reason)
        sys.exit(1)


def _say_why(reason: BaseException | None) -> None:
    """The last line says what happened: the traceback is above, among what stopping logs."""
    if isinstance(reason, SettingError):
        raise reason from None
    if reason is not None:
        sys.stderr.write(f"impact-calendar: the worker stopped: {type(reason).__name__}: {reason}\n")
