"""Python's own knobs for a process that is about to do its work: the garbage collector and the change of threads."""

import gc
import sys

__all__ = ["settle"]


def settle(*, young_objects: int | None = None, older: tuple[int, ...] = (), switch_seconds: float | None = None) -> None:
    """What was imported stays for the life of the process: the collector need not look at it again and again.

    `young_objects`: new objects that may be alive before the collector looks for cycles among them (Python's own default is 700), `older`:
    its further thresholds. `switch_seconds`: for how long a thread keeps Python's lock while another wants it (5 ms). None: as it is.
    """
    gc.collect()
    gc.freeze()
    if young_objects is not None:
        gc.set_threshold(young_objects, *older)
    if switch_seconds is not None:
        sys.setswitchinterval(switch_seconds)
