"""The fold worker. `impact-calendar fold` runs it; so does `faust -A streams.fold_app worker`."""

import os
from typing import Any

from streams.bootstrap import fold_app
from streams.engine.run import run_app, use_fast_loops
from streams.settings import Settings

__all__ = ["run"]


def run(settings: Settings) -> None:
    """Blocks until SIGTERM."""
    use_fast_loops()
    run_app(fold_app(settings))


def __getattr__(name: str) -> Any:
    """`app`, made when Faust's own command line asks for it: importing this module connects to nothing."""
    if name == "app":
        use_fast_loops()
        globals()["app"] = fold_app(Settings.from_env(os.environ))
        return globals()["app"]
    raise AttributeError(name)
