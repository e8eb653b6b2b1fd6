"""The execute worker. `impact-calendar execute` runs it; so does `faust -A streams.execute_app worker`."""

import os
from typing import Any

from streams.bootstrap import execute_app
from streams.engine.run import run_app, use_fast_loops
from streams.settings import Settings

__all__ = ["run"]


def run(settings: Settings) -> None:
    """Blocks until SIGTERM."""
    use_fast_loops()
    run_app(execute_app(settings))


def __getattr__(name: str) -> Any:
    """`app`, made when Faust's own command line asks for it: importing this module connects to nothing."""
    if name == "app":
        use_fast_loops()
        globals()["app"] = execute_app(Settings.from_env(os.environ))
        return globals()["app"]
    raise AttributeError(name)
